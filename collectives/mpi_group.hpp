#pragma once

#include <memory>
#include <string>

#include "collectives/group.hpp"
#include "collectives/mailbox.hpp"

namespace peftgrid::collectives {

/// MPI from init to finalize; one a process. Takes MPI_THREAD_MULTIPLE and throws CommError where it is not to be had.
class MpiSession {
 public:
  MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  ~MpiSession();
  int rank() const;
  int size() const;
  /// Collective. A group of all ranks, on a communicator of its own.
  std::unique_ptr<Group> group();
  /// Collective. The two ends of the coordinator's line, on one communicator of their own: the coordinator's on rank 0
  /// only (else null), a worker's on every rank.
  struct Line {
    std::unique_ptr<Mailbox> coordinator, worker;
  };
  Line line();
  /// Ends all ranks of the job without waiting for any of them.
  [[noreturn]] void abort(int exit_code);
  /// Leaves without finalizing: after an abort or a peer's death MPI_Finalize may hang.
  [[noreturn]] void leave(int exit_code);
  /// "Open MPI 4.1.4".
  static std::string library_version();
};

}  // namespace peftgrid::collectives
