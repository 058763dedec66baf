#include "worker/service/device.hpp"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>

#include "worker/errors.hpp"
#include "worker/kernels/cuda/cuda_ops.hpp"
#include "worker/service/measure.hpp"
#include "worker/service/worker.hpp"

namespace peftgrid::worker {

namespace {

c10::DeviceIndex current_device() {
  return c10::impl::VirtualGuardImpl(at::kCUDA).getDevice().index();
}

}  // namespace

at::Device device_of(const TrialSpec& spec) {
  return spec.device == "cuda" ? at::kCUDA : at::kCPU;
}

double spent_s(at::Device device) {
  return device.is_cpu() ? cpu_seconds() : now_s();
}

std::int64_t device_peak_bytes() {
  return at::getDeviceAllocator(at::kCUDA)->getDeviceStats(current_device()).allocated_bytes[0].peak;
}

void forget_device_peak() {
  at::DeviceAllocator* allocator = at::getDeviceAllocator(at::kCUDA);
  if (allocator->initialized()) allocator->resetPeakStats(current_device());
}

void open_cuda() {
  // LibTorch gives cuBLAS a workspace of fixed size anyway, so that its sums are the same at every start; told a size,
  // it takes the setting apart anew at each product, which costs more time than starting it.
  unsetenv("CUBLAS_WORKSPACE_CONFIG");
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw UsageError(std::string("LibTorch's CUDA part cannot be opened (") + dlerror() +
                     "); build with -DPEFTGRID_TORCH=<folder of a torch package that has its CUDA libraries>");
  }
  cuda_ops::compile_ahead();
}

}  // namespace peftgrid::worker
