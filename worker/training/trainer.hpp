#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "checkpoint/trial_file.hpp"
#include "worker/model/model.hpp"
#include "worker/training/team.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

struct Progress {
  std::int64_t step = 0, steps = 0;
  double loss = 0;  // NaN: an earlier start came as far as `step`, and the trial goes on from there
};

/// Called between steps and between evaluation groups.
struct ProgressCallbacks {
  std::function<bool()> stop;  // true: leave now (throws Interrupted)
  std::function<void(const Progress&)> progress;
};

/// Where an unfinished trial keeps its state between steps, and how often.
struct CheckpointPolicy {
  std::filesystem::path file;  // empty: nowhere
  double every_s = 180;
};

/// Trains and tests one trial: from its spec alone, so that its numbers are the same on any rank and in any order.
/// Collective over `team`, whose leader alone returns what is to be kept: all but `environment`. A trial that diverges
/// comes back with state "diverged". Goes on from a state that the leader kept, with the same bytes in the end. Throws
/// TrialError, Interrupted, UsageError (files changed since planning).
std::optional<checkpoint::TrialRecord> train(const TrialSpec& spec, Store& store, const Team& team,
                                             const ProgressCallbacks& callbacks, const CheckpointPolicy& checkpoints);

}  // namespace peftgrid::worker
