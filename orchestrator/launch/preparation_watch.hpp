#pragma once

#include <thread>
#include <vector>

#include "collectives/mpi_group.hpp"
#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

/// While rank 0 reads the grid, which may take an hour, the others wait for it, and it waits for them, in a collective:
/// a host that has died or is cut off would be waited for as long. So rank 0 and each other rank send each other beats;
/// a rank that has heard none for kSilence_s says so and leaves, with exit code 4: the same command goes on.
class PreparationWatch {
 public:
  static constexpr double kSilence_s = 20;

  /// `line` is this watch's own. `ranks` is who is where, on rank 0; `coordinator` is rank 0.
  PreparationWatch(collectives::MpiSession::Line line, int rank, std::vector<ProcessId> ranks, ProcessId coordinator);
  /// The coordinator and the workers watch each other from here on.
  void over();

 private:
  void watch(const std::stop_token& stop);
  collectives::MpiSession::Line line_;
  int rank_;
  std::vector<ProcessId> peers_;  // of whom this rank wants to hear
  std::vector<int> numbers_;      // their ranks
  std::jthread thread_;
};

}  // namespace peftgrid::orchestrator
