#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

namespace peftgrid::orchestrator {

/// Before the coordinator watches over the ranks, and after it, nobody would notice that one of them died or was
/// stopped: MPI_Init, the first collectives and MPI_Finalize wait for it for ever, and under `mpirun --enable-recovery`
/// nothing ends them. So each rank watches the others that its launcher has started on this node (launched_ranks.hpp).
/// One that is stopped for kStopped_s is killed. Does nothing where Open MPI's launcher does not tell how many ranks it
/// starts on this node, or cannot be seen.
class LaunchWatch {
 public:
  /// The start: when a rank has died, or is not started, this one leaves, with exit code 4: the same command goes on.
  /// The launcher has kLaunch_s to start all ranks of the node, or as long as it took for this one; a wrapper around a
  /// rank may take kWrapper_s until it starts the program, and after kLaunch_s it is said who is waited for.
  LaunchWatch();
  /// MPI_Init has returned: all ranks run.
  void all_run();
  /// The start is over: somebody else watches from here on.
  void over();
  /// The end: from here on this process leaves with `exit_code` after kEnd_s, wherever it is. When all have gone but
  /// one that is stopped, what leave_no_launcher_behind() leaves sees to that one.
  void ending(int exit_code);

  static constexpr double kLaunch_s = 15, kWrapper_s = 600, kStopped_s = 20, kEnd_s = 25;

 private:
  void watch_start(const std::stop_token& stop) const;
  std::size_t ranks_ = 0;  // of this node; 0: nothing to watch
  std::atomic<bool> all_run_{false};
  std::jthread thread_;
};

}  // namespace peftgrid::orchestrator
