#include "collectives/nccl_communicator.hpp"

#include <cstdio>
#include <thread>

#include "collectives/cuda_handles.hpp"

namespace peftgrid::collectives {

namespace {

/// Leaves the core to others, and the longer nothing comes the longer: a sum takes well under a millisecond, a peer
/// that computes many.
void sleep_before(int polls) {
  if (polls < 1000) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::microseconds(polls < 2000 ? 50 : 1000));
  }
}

[[noreturn]] void throw_silence(const char* what, const Deadline& deadline) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3g", deadline.timeout_s());
  throw Trouble(std::string(what) + ": waited " + seconds + " s for the others, and NCCL reports no error",
                Trouble::BeganElsewhere);
}

}  // namespace

void check(ncclResult_t result, const char* call, ncclComm_t communicator) {
  if (result == ncclSuccess) return;
  const std::string details = ncclGetLastError(communicator);
  const bool of_a_peer = result == ncclRemoteError || result == ncclTimeout;
  throw Trouble(std::string(call) + ": " + ncclGetErrorString(result) + (details.empty() ? "" : " (" + details + ")"),
                of_a_peer ? Trouble::BeganElsewhere : Trouble::BeganHere);
}

NcclCommunicator::NcclCommunicator(const ncclUniqueId& id, int rank, int size) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  begun_ = ncclCommInitRankConfig(&communicator_, size, id, rank, &config);
}

void NcclCommunicator::join(const Deadline& deadline) {
  finish(begun_, "ncclCommInitRankConfig", deadline);
}

NcclCommunicator::~NcclCommunicator() {
  // ncclCommDestroy would wait for peers, who may be gone. Nothing is lost by aborting a communicator whose sums all
  // ranks have seen end, as NcclGroup makes sure.
  if (communicator_ != nullptr) ncclCommAbort(communicator_);
}

ncclResult_t NcclCommunicator::state() const {
  ncclResult_t error = ncclSuccess;
  const ncclResult_t asked = ncclCommGetAsyncError(communicator_, &error);
  return asked == ncclSuccess ? error : asked;
}

/// A non-blocking call goes on in the background until the communicator says otherwise.
void NcclCommunicator::finish(ncclResult_t result, const char* call, const Deadline& deadline) {
  for (int polls = 0; result == ncclInProgress; ++polls) {
    if (deadline.passed()) throw_silence(call, deadline);
    sleep_before(polls);
    result = state();
  }
  check(result, call, communicator_);
}

void NcclCommunicator::all_reduce(std::span<float> device_values, cudaStream_t stream, const Deadline& deadline) {
  finish(ncclAllReduce(device_values.data(), device_values.data(), device_values.size(), ncclFloat32, ncclSum,
                       communicator_, stream),
         "ncclAllReduce", deadline);
}

void NcclCommunicator::wait(cudaEvent_t event, const Deadline& deadline) {
  for (int polls = 0;; ++polls) {
    const cudaError_t come = cudaEventQuery(event);
    if (come != cudaErrorNotReady) check(come, "cudaEventQuery");
    // Asked even when the event has come: the kernel of a sum that failed ends, too.
    check(state(), "the sum over NCCL", communicator_);
    if (come == cudaSuccess) return;
    if (deadline.passed()) throw_silence("the sum over NCCL", deadline);
    sleep_before(polls);
  }
}

}  // namespace peftgrid::collectives
