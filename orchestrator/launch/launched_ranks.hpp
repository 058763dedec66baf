#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::orchestrator {

/// The ranks that the launcher has started on this node, seen from one of them. Each is known by the launcher's child:
/// the rank's own process, or a wrapper around it that may need long before it starts the program.
class LaunchedRanks {
 public:
  /// `launcher` is the pid of it (launcher.hpp).
  explicit LaunchedRanks(std::int64_t launcher);
  /// Looks again. How many of them live.
  std::size_t look();
  /// Of those that lived at the last look, the numbers whose program runs, and those whose program certainly does not
  /// run yet. A child whose environment may not be read is in neither.
  struct Started {
    std::vector<int> running, waiting;
  };
  Started started() const;
  /// Processes of theirs that are stopped, the wrappers' included.
  std::vector<std::int64_t> stopped();

 private:
  struct Child {
    std::optional<int> rank;        // of the job
    bool runs_the_program = false;  // itself
  };
  std::int64_t launcher_;
  std::string program_;
  std::map<std::int64_t, Child> children_;  // by pid
};

}  // namespace peftgrid::orchestrator
