#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  /// Collective. Returns what makes gangs: groups of some ranks, made by each of them alone. All call it with the same
  /// ranks of this session and a number that no gang had before. Their waits can be given up (Deadline), as when a peer
  /// has died; the gang is then of no use any more, the ranks are.
  using MakeGang = std::function<std::unique_ptr<Group>(const std::vector<int>& ranks, std::int64_t number)>;
  MakeGang gangs();
  /// Ends all ranks of the job without waiting for any of them.
  [[noreturn]] void abort(int exit_code);
  /// Leaves without finalizing: after an abort or a peer's death MPI_Finalize may hang.
  [[noreturn]] void leave(int exit_code);
  /// "Open MPI 4.1.4".
  static std::string library_version();
};

}  // namespace peftgrid::collectives
