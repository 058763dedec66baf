#pragma once

#include <optional>
#include <string>

#include "worker/training/trainer.hpp"
#include "worker/training/training_state.hpp"

namespace peftgrid::worker {

/// When a trial's state is written down: when it is time, or when the trial is about to be dropped and the state is
/// small enough for the moment that is left then.
class StateSaver {
 public:
  /// `policy` must outlive this.
  StateSaver(const CheckpointPolicy& policy, StateOwner owner);

  bool is_due() const;
  /// `due`: it is time; else the trial is about to be dropped. Returns what to tell where the file cannot be written,
  /// once: a full disk takes the way back, not the trial itself.
  std::optional<std::string> save(const TrainingState& state, bool due);
  /// What an earlier start left, if it can be trusted.
  std::optional<TrainingState> read() const { return read_state(policy_.file, owner_); }

  bool keeps() const { return !policy_.file.empty(); }
  const StateOwner& owner() const { return owner_; }

 private:
  const CheckpointPolicy& policy_;
  StateOwner owner_;
  double saved_at_s_, takes_s_ = 0;
};

}  // namespace peftgrid::worker
