#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "collectives/group.hpp"

namespace peftgrid::worker {

/// The run was asked to stop, or the trial was taken from this rank; of it there is at most its state
/// (CheckpointPolicy).
struct Interrupted {};

/// The ranks that train one trial together, as one of them sees it. A trial of width w is w shards of work whose sums
/// are taken in a fixed order, so that any team of up to w ranks leaves the same bytes (not over NCCL, which adds in an
/// order of its own).
class Team {
 public:
  /// A rank that trains alone.
  Team() = default;
  /// `stop`: this rank is to leave; asked while it waits for the others.
  Team(std::unique_ptr<collectives::Group> group, std::function<bool()> stop);

  int rank() const { return group_ ? group_->rank() : 0; }
  int size() const { return group_ ? group_->size() : 1; }
  /// Who reads and keeps states and publishes the result.
  bool leads() const { return rank() == 0; }
  /// Is the item of that number this rank's part of some work?
  bool takes(std::int64_t item) const { return item % size() == rank(); }

  /// Collective. Adds up `values` over the ranks, in rank order, in place. `what` names it in errors: "step 12". Throws
  /// Interrupted where this rank is to leave, TrialError (Environment) where another one is lost.
  void sum(std::span<float> values, const std::string& what) const;
  /// Collective. The leader's bytes, or text, on every rank. Throws as sum does.
  void share(std::span<std::byte> bytes, const std::string& what) const;
  std::string share(std::string text, const std::string& what) const;

  /// What adds nothing to any number: -0 leaves even a 0 its sign.
  static constexpr float kNothing = -0.0F;

 private:
  template <typename Call>
  void together(const std::string& what, Call call) const;

  std::unique_ptr<collectives::Group> group_;
  std::function<bool()> stop_;
  mutable double together_at_s_ = 0;  // when the ranks were last seen together; 0: not yet
};

}  // namespace peftgrid::worker
