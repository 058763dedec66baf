#pragma once

#include <cstdint>
#include <string>

namespace peftgrid::worker::kernels {

/// A kernel of a CudaProgram.
class CudaKernel {
 public:
  explicit CudaKernel(void* handle) : handle_(handle) {}
  /// Enqueues `threads` threads behind LibTorch's work on the device, in blocks of kBlock. `arguments` points to one
  /// pointer a parameter. From any thread.
  void launch(std::int64_t threads, void** arguments) const;
  /// Small, so that few threads still spread over the whole device.
  static constexpr std::int64_t kBlock = 128;

 private:
  void* handle_;
};

/// A program for the CUDA device that is current in this thread, compiled by NVRTC when it is made: nothing but the
/// driver and LibTorch's own libraries is needed at run time, and no CUDA compiler at build time. One device a process.
/// Throws std::runtime_error with the compiler's or the driver's reason.
class CudaProgram {
 public:
  explicit CudaProgram(const std::string& source);
  /// An extern "C" kernel by its name: to be kept, looking it up takes its time.
  CudaKernel kernel(const char* name) const;

 private:
  void* library_ = nullptr;
};

}  // namespace peftgrid::worker::kernels
