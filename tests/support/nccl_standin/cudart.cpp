// Stands in for libcudart.so.13 on a machine without a GPU: as much of its interface as collectives/ uses, with eight
// devices whose memory is the host's. A stream is a thread, so that what is queued really happens later. What a real
// runtime would let pass or answer with a crash is answered with an error and a line on stderr; what is left open at
// the end of the process makes it fail.
#include <cuda_runtime_api.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tests/support/nccl_standin/stream.hpp"

struct CUstream_st {
  int device = 0;
  peftgrid::standin::WorkQueue work;
};

struct CUevent_st {
  std::shared_ptr<peftgrid::standin::Mark> last;  // null: never recorded
};

namespace {

using peftgrid::standin::Mark;

constexpr int kDevices = 8;
constexpr int kExitWithLeaks = 70;
thread_local int current_device = 0;

struct Allocation {
  std::size_t bytes = 0;
  int device = 0;
};

/// What is open in this process.
struct Open {
  std::mutex mutex;
  std::map<cudaStream_t, std::shared_ptr<CUstream_st>> streams;  // shared with calls that are under way
  std::set<cudaEvent_t> events;
  std::map<const std::byte*, Allocation> memory;
};

Open& open() {
  static Open* const all = new Open;  // outlives the destructors of static objects, which may still close handles
  return *all;
}

cudaError_t complain(cudaError_t code, const char* what) {
  std::fprintf(stderr, "stand-in for libcudart: %s\n", what);
  return code;
}

/// Null where it is not open.
std::shared_ptr<CUstream_st> find(cudaStream_t stream) {
  const std::lock_guard lock(open().mutex);
  const auto known = open().streams.find(stream);
  return known == open().streams.end() ? nullptr : known->second;
}

bool is_open(cudaEvent_t event) {
  const std::lock_guard lock(open().mutex);
  return open().events.contains(event);
}

/// The allocation that holds the whole range, if one does.
std::optional<Allocation> allocation_of(const void* begin, std::size_t bytes) {
  const std::lock_guard lock(open().mutex);
  const auto* first = static_cast<const std::byte*>(begin);
  auto after = open().memory.upper_bound(first);
  if (after == open().memory.begin()) return std::nullopt;
  const auto& [base, allocation] = *--after;
  return first + bytes <= base + allocation.bytes ? std::optional(allocation) : std::nullopt;
}

std::vector<std::shared_ptr<CUstream_st>> streams_of(int device) {
  std::vector<std::shared_ptr<CUstream_st>> streams;
  const std::lock_guard lock(open().mutex);
  for (const auto& [handle, stream] : open().streams) {
    if (stream->device == device) streams.push_back(stream);
  }
  return streams;
}

cudaError_t refuse_stream() {
  return complain(cudaErrorInvalidResourceHandle, "a stream is used that is not open (or the default stream)");
}

cudaError_t refuse_event() {
  return complain(cudaErrorInvalidResourceHandle, "an event is used that is not open");
}

[[gnu::destructor]] void report_leaks() {
  const std::lock_guard lock(open().mutex);
  if (open().streams.empty() && open().events.empty() && open().memory.empty()) return;
  std::fprintf(stderr, "stand-in for libcudart: left open at exit: %zu streams, %zu events, %zu allocations\n",
               open().streams.size(), open().events.size(), open().memory.size());
  std::fflush(nullptr);
  _exit(kExitWithLeaks);
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= kDevices) return cudaErrorInvalidDevice;
  current_device = device;
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorNotReady:
      return "device not ready";
    default:
      return "an error that the stand-in does not know";
  }
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  const auto made = std::make_shared<CUstream_st>();
  made->device = current_device;
  *stream = made.get();
  const std::lock_guard lock(open().mutex);
  open().streams[*stream] = made;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  const std::lock_guard lock(open().mutex);
  open().streams.erase(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  *device = known->device;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  known->work.wait_until_idle();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  if (!is_open(event)) return refuse_event();
  if (event->last) known->work.push([mark = event->last] { mark->wait(); });
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  known->work.push([=] { function(data); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = new CUevent_st;
  const std::lock_guard lock(open().mutex);
  open().events.insert(*event);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  {
    const std::lock_guard lock(open().mutex);
    if (open().events.erase(event) == 0) return refuse_event();
  }
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  if (!is_open(event)) return refuse_event();
  event->last = std::make_shared<Mark>();
  known->work.push([mark = event->last] { mark->pass(); });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (!is_open(event)) return refuse_event();
  return !event->last || event->last->passed() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  auto* const begin = new std::byte[bytes];
  const std::lock_guard lock(open().mutex);
  open().memory[begin] = {bytes, current_device};
  *memory = begin;
  return cudaSuccess;
}

/// Waits for the device's streams first, as the real one does.
cudaError_t cudaFree(void* memory) {
  const auto allocation = allocation_of(memory, 1);
  if (!allocation) return complain(cudaErrorInvalidValue, "memory is freed that is not open");
  for (const auto& stream : streams_of(allocation->device)) stream->work.wait_until_idle();
  const std::lock_guard lock(open().mutex);
  open().memory.erase(static_cast<const std::byte*>(memory));
  delete[] static_cast<std::byte*>(memory);
  return cudaSuccess;
}

/// Pageable host memory is read at once, and is written before the call returns: with all that this may wait for.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const auto known = find(stream);
  if (!known) return refuse_stream();
  const bool to_device = kind == cudaMemcpyHostToDevice;
  if (!to_device && kind != cudaMemcpyDeviceToHost) return complain(cudaErrorInvalidValue, "an unknown kind of copy");
  if (!allocation_of(to_device ? to : from, bytes)) {
    return complain(cudaErrorInvalidValue, "a copy reaches beyond the memory of the device");
  }
  if (to_device) {
    const auto* first = static_cast<const std::byte*>(from);
    known->work.push([=, data = std::vector<std::byte>(first, first + bytes)] { std::memcpy(to, data.data(), bytes); });
  } else {
    known->work.push([=] { std::memcpy(to, from, bytes); });
    known->work.wait_until_idle();
  }
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  *attributes = {};
  const auto allocation = allocation_of(memory, 1);
  attributes->type = allocation ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  attributes->device = allocation ? allocation->device : cudaInvalidDeviceId;
  return cudaSuccess;
}

}  // extern "C"
