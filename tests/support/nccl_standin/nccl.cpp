// Stands in for libnccl.so.2: as much of its interface as collectives/ uses, between real processes of one machine. It
// insists on more than the real library: one type and operation, memory of the device, one stream for each
// communicator, the device on which it was made, no call while one is in progress, none after an abort.
#include <nccl.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <thread>

#include "tests/support/nccl_standin/communicator.hpp"
#include "tests/support/nccl_standin/hub.hpp"

namespace {

struct Communicators {
  std::mutex mutex;
  std::set<std::shared_ptr<ncclComm>> open, aborted;  // aborted ones are kept: no handle is given out twice
};

Communicators& communicators() {
  static Communicators* const all = new Communicators;  // threads may outlast the destructors of static objects
  return *all;
}
thread_local std::string last_misuse;

ncclResult_t misuse(const std::string& what) {
  last_misuse = what;
  std::fprintf(stderr, "stand-in for libnccl: %s\n", what.c_str());
  return ncclInvalidUsage;
}

std::shared_ptr<ncclComm> find(ncclComm_t communicator) {
  const std::lock_guard lock(communicators().mutex);
  for (const auto& open : communicators().open) {
    if (open.get() == communicator) return open;
  }
  return nullptr;
}

bool is_device_memory(const float* values, std::size_t count, int device) {
  for (const float* place : {values, values + count - 1}) {
    cudaPointerAttributes attributes;
    if (cudaPointerGetAttributes(&attributes, place) != cudaSuccess) return false;
    if (attributes.type != cudaMemoryTypeDevice || attributes.device != device) return false;
  }
  return true;
}

/// What is wrong with a sum before it starts; empty when nothing is.
std::string objection(const ncclComm& communicator, const void* from, const void* to, std::size_t count,
                      ncclDataType_t type, ncclRedOp_t operation, cudaStream_t stream) {
  int current = -1, of_stream = -1;
  cudaGetDevice(&current);
  if (type != ncclFloat32 || operation != ncclSum) return "only sums of float32 are known here";
  if (from != to) return "the sum is not in place";
  if (cudaStreamGetDevice(stream, &of_stream) != cudaSuccess) return "the stream is not open";
  if (of_stream != communicator.device()) return "the stream is of another device than the communicator";
  if (current != communicator.device()) return "the current device is not the communicator's";
  if (communicator.stream() != nullptr && communicator.stream() != stream) return "the communicator changes streams";
  if (count == 0 || !is_device_memory(static_cast<const float*>(to), count, communicator.device())) {
    return "the values are not in the memory of the communicator's device";
  }
  return "";
}

}  // namespace

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const std::string name = peftgrid::standin::start_hub();
  if (name.empty()) return ncclSystemError;
  std::memset(id, 0, sizeof *id);
  name.copy(id->internal, sizeof id->internal - 1);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* communicator, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config == nullptr || config->size != sizeof(ncclConfig_t) || config->magic != NCCL_API_MAGIC) {
    return misuse("the configuration is not made with NCCL_CONFIG_INITIALIZER");
  }
  if (config->blocking != 0) return misuse("a blocking communicator: its calls would wait without a deadline");
  if (size < 1 || rank < 0 || rank >= size) return misuse("a rank that is not one of the communicator's");
  int device = 0;
  cudaGetDevice(&device);
  const auto made = std::make_shared<ncclComm>(id.internal, rank, size, device);
  {
    const std::lock_guard lock(communicators().mutex);
    communicators().open.insert(made);
  }
  *communicator = made.get();
  std::thread([made] { made->join(); }).detach();
  return ncclInProgress;
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t operation,
                           ncclComm_t communicator, cudaStream_t stream) {
  const auto known = find(communicator);
  if (!known) return misuse("ncclAllReduce on a communicator that is not open");
  if (known->state() == ncclInProgress) return misuse("ncclAllReduce while an earlier call is in progress");
  if (known->state() != ncclSuccess) return known->state();
  if (const std::string why = objection(*known, from, to, count, type, operation, stream); !why.empty()) {
    return misuse("ncclAllReduce: " + why);
  }
  return known->launch(static_cast<float*>(to), count, stream);
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* error) {
  const auto known = find(communicator);
  if (!known) return misuse("ncclCommGetAsyncError on a communicator that is not open");
  *error = known->state();
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t communicator) {
  const auto known = find(communicator);
  if (!known) return misuse("ncclCommAbort on a communicator that is not open");
  known->abort();
  const std::lock_guard lock(communicators().mutex);
  communicators().open.erase(known);
  communicators().aborted.insert(known);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
    default:
      return "an error that the stand-in does not know";
  }
}

const char* ncclGetLastError(ncclComm_t communicator) {
  const auto known = find(communicator);
  return known && !known->last_error().empty() ? known->last_error().c_str() : last_misuse.c_str();
}

}  // extern "C"
