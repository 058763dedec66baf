#pragma once

#include <nccl.h>

#include <span>

#include "collectives/deadline.hpp"
#include "collectives/trouble.hpp"

namespace peftgrid::collectives {

/// Throws Trouble where NCCL says no. `communicator` may be null: none is there yet.
void check(ncclResult_t result, const char* call, ncclComm_t communicator);

/// One communicator of NCCL on the current device, non-blocking: no wait is without a deadline, and the communicator is
/// asked for errors meanwhile. Every function throws Trouble.
class NcclCommunicator {
 public:
  NcclCommunicator(const ncclUniqueId& id, int rank, int size);
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;
  /// Aborts: what is still queued on streams ends, unfinished, and no peer is waited for.
  ~NcclCommunicator();

  /// Collective. Returns when all ranks of the id have come; to be called once, first.
  void join(const Deadline& deadline);
  /// Collective. Returns when the sum, in place, is queued on `stream`; the same stream at every call.
  void all_reduce(std::span<float> device_values, cudaStream_t stream, const Deadline& deadline);
  /// Waits for an event that comes after sums of this communicator.
  void wait(cudaEvent_t event, const Deadline& deadline);

 private:
  ncclResult_t state() const;
  void finish(ncclResult_t result, const char* call, const Deadline& deadline);

  ncclComm_t communicator_ = nullptr;
  ncclResult_t begun_;
};

}  // namespace peftgrid::collectives
