#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <string>

#include "collectives/trouble.hpp"

namespace peftgrid::collectives {

/// Throws Trouble that names the call and says what CUDA says.
inline void check(cudaError_t code, const char* call) {
  if (code != cudaSuccess) throw Trouble(std::string(call) + ": " + cudaGetErrorString(code), Trouble::BeganHere);
}

template <auto Close>
struct Closer {
  template <typename T>
  void operator()(T* open) const {
    Close(open);
  }
};
using Stream = std::unique_ptr<CUstream_st, Closer<cudaStreamDestroy>>;
using Event = std::unique_ptr<CUevent_st, Closer<cudaEventDestroy>>;
using DeviceFloats = std::unique_ptr<float, Closer<cudaFree>>;

/// Waits for no other stream, not for the default one either.
inline Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return Stream(stream);
}

inline Event make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  return Event(event);
}

inline DeviceFloats make_device_floats(std::size_t count) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, count * sizeof(float)), "cudaMalloc");
  return DeviceFloats(static_cast<float*>(memory));
}

}  // namespace peftgrid::collectives
