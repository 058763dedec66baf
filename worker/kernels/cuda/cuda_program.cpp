#include "worker/kernels/cuda/cuda_program.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <stdexcept>
#include <vector>

namespace peftgrid::worker::kernels {

namespace {

void check(cudaError_t code, const char* what) {
  if (code != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(code));
}

/// NVRTC's C interface, out of the library that LibTorch brings for it.
class Nvrtc {
 public:
  Nvrtc() : library_(dlopen("libcaffe2_nvrtc.so", RTLD_NOW)) {
    if (library_ == nullptr) throw std::runtime_error(std::string("NVRTC cannot be opened: ") + dlerror());
  }
  template <typename Function>
  Function* function(const char* name) const {
    void* found = dlsym(library_, name);
    if (found == nullptr) throw std::runtime_error(std::string("NVRTC has no ") + name);
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* library_;  // stays open for as long as the process lives
};

std::vector<char> compile(const std::string& source) {
  using Program = void*;
  const Nvrtc nvrtc;
  int device = 0, major = 0, minor = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute");
  const std::string architecture = "--gpu-architecture=sm_" + std::to_string(major) + std::to_string(minor);
  const char* options[] = {architecture.c_str(), "--std=c++17"};
  Program program = nullptr;
  const auto create =
      nvrtc.function<int(Program*, const char*, const char*, int, const char* const*, const char* const*)>(
          "nvrtcCreateProgram");
  const auto log_size = nvrtc.function<int(Program, std::size_t*)>("nvrtcGetProgramLogSize");
  const auto log = nvrtc.function<int(Program, char*)>("nvrtcGetProgramLog");
  const auto size = nvrtc.function<int(Program, std::size_t*)>("nvrtcGetCUBINSize");
  const auto get = nvrtc.function<int(Program, char*)>("nvrtcGetCUBIN");
  const auto forget = nvrtc.function<int(Program*)>("nvrtcDestroyProgram");
  if (create(&program, source.c_str(), "device_kernels.cu", 0, nullptr, nullptr) != 0)
    throw std::runtime_error("NVRTC makes no program");
  const int code = nvrtc.function<int(Program, int, const char* const*)>("nvrtcCompileProgram")(program, 2, options);
  std::size_t bytes = 0;
  if (code != 0) {
    log_size(program, &bytes);
    std::string why(bytes, '\0');
    log(program, why.data());
    forget(&program);
    throw std::runtime_error("NVRTC: " + why);
  }
  size(program, &bytes);
  std::vector<char> binary(bytes);
  get(program, binary.data());
  forget(&program);
  return binary;
}

}  // namespace

CudaProgram::CudaProgram(const std::string& source) {
  const std::vector<char> binary = compile(source);
  cudaLibrary_t library = nullptr;
  check(cudaLibraryLoadData(&library, binary.data(), nullptr, nullptr, 0, nullptr, nullptr, 0), "cudaLibraryLoadData");
  library_ = library;
}

CudaKernel CudaProgram::kernel(const char* name) const {
  cudaKernel_t found = nullptr;
  check(cudaLibraryGetKernel(&found, static_cast<cudaLibrary_t>(library_), name), name);
  return CudaKernel(found);
}

void CudaKernel::launch(std::int64_t threads, void** arguments) const {
  if (threads == 0) return;
  const c10::Stream current = c10::impl::VirtualGuardImpl(c10::kCUDA).getStream(c10::kCUDA);
  const dim3 grid(static_cast<unsigned>((threads + kBlock - 1) / kBlock)), block(static_cast<unsigned>(kBlock));
  check(cudaLaunchKernel(handle_, grid, block, arguments, 0, static_cast<cudaStream_t>(current.native_handle())),
        "cudaLaunchKernel");
}

}  // namespace peftgrid::worker::kernels
