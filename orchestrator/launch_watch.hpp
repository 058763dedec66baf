#pragma once

#include <cstddef>
#include <thread>

namespace peftgrid::orchestrator {

/// Before the coordinator watches over the ranks, and after it, nobody would notice that one of them died or was
/// stopped: MPI_Init, the first collectives and MPI_Finalize wait for it for ever, and under `mpirun --enable-recovery`
/// nothing ends them. So each rank watches the other children of its launcher on this node. One that is stopped for
/// kStopped_s is killed. Does nothing where Open MPI's launcher does not tell how many ranks it starts on this node.
class LaunchWatch {
 public:
  /// The start: when a rank is missing this one leaves, with exit code 4: the same command goes on.
  LaunchWatch();
  /// The start is over: somebody else watches from here on.
  void over();
  /// The end: from here on this process leaves with `exit_code` after kEnd_s, wherever it is. When all have gone but
  /// one that is stopped, what leave_no_launcher_behind() leaves sees to that one.
  void ending(int exit_code);

  static constexpr double kStopped_s = 20, kEnd_s = 25;

 private:
  std::size_t ranks_ = 0;  // of this node; 0: not told
  std::jthread thread_;
};

}  // namespace peftgrid::orchestrator
