#pragma once

#include <thread>

namespace peftgrid::orchestrator {

/// Until the coordinator watches over the ranks, nobody would notice that one of them died or was stopped: MPI_Init and
/// the first collectives wait for it for ever, and under `mpirun --enable-recovery` nothing ends them. So each rank
/// watches the other children of its launcher on this node, and leaves (exit code 4: the same command goes on) when
/// one is missing. One that is stopped for kStopped_s is killed first.
class StartWatch {
 public:
  /// Does nothing where Open MPI's launcher does not tell how many ranks it starts on this node.
  StartWatch();
  /// The start is over: somebody else watches from here on.
  void over();

  static constexpr double kStopped_s = 20;

 private:
  std::jthread thread_;
};

}  // namespace peftgrid::orchestrator
