#pragma once

#include <thread>

namespace peftgrid::orchestrator {

/// Ranks that cannot reach each other, as where each host has a bridge of the same address, wait in the first
/// communicator for ever and without a word. So from MPI_Init's return until all have heard of each other kMeet_s may
/// pass; then this process says what to try and leaves, with exit code 4.
class StartDeadline {
 public:
  static constexpr double kMeet_s = 60;

  /// Right after MPI_Init: rank `rank` of `ranks`. One alone has nobody to meet.
  StartDeadline(int rank, int ranks);
  /// All have met.
  void met();

 private:
  std::jthread thread_;
};

}  // namespace peftgrid::orchestrator
