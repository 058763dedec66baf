#pragma once

#include <cstdint>
#include <string>

namespace peftgrid::worker::kernels {

/// A program for the CUDA device that is current in this thread, compiled by NVRTC when it is made: nothing but the
/// driver and LibTorch's own libraries is needed at run time, and no CUDA compiler at build time. One device a process.
/// Throws std::runtime_error with the compiler's or the driver's reason.
class CudaProgram {
 public:
  explicit CudaProgram(const std::string& source);
  /// Enqueues `threads` threads of an extern "C" kernel behind LibTorch's work on the device. `arguments` points to one
  /// pointer a parameter.
  void launch(const char* kernel, std::int64_t threads, void** arguments) const;

 private:
  void* library_ = nullptr;
};

}  // namespace peftgrid::worker::kernels
