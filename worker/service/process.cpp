#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "worker/kernels/cpu/tile_product.hpp"
#include "worker/kernels/cpu/vector_kernels.hpp"
#include "worker/kernels/products.hpp"
#include "worker/service/measure.hpp"
#include "worker/service/worker.hpp"

/// MKL takes a slow path on AMD processors unless this says otherwise; exported by the executable. The
/// small products of adapters and weight gradients go through MKL.
extern "C" __attribute__((visibility("default"))) int mkl_serv_intel_cpu_true() {
  return 1;
}

namespace peftgrid::worker {

void prepare_process(int threads) {
  for (const char* name : {"MKL_CBWR", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
                           "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"}) {
    unsetenv(name);
  }
  // oneDNN keeps a primitive for every number of tokens it has met, 0.15 MB each: 1,024 unless told otherwise. A step
  // needs a dozen (docs/performance.md).
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256", 0);
  at::set_num_threads(threads);
  // A trial whose rate is far too high fills its tensors with subnormal numbers, each some hundred cycles dear.
  at::globalContext().setFlushDenormal(true);
}

namespace {

double measured_gflops(at::ScalarType type, at::Device where) {
  constexpr std::int64_t kTokens = 256, kWidth = 512;
  const at::Tensor x = at::ones({kTokens, kWidth}, where);
  const at::Tensor weight = at::ones({kWidth, kWidth}, at::TensorOptions().dtype(type).device(where));
  at::Tensor y = worker::linear(x, weight, {});
  // The best of some moments: in others the core may be a neighbour's.
  double best = 0;
  for (int moment = 0; moment < 10; ++moment) {
    const double begin = now_s();
    int calls = 0;
    do {
      y = worker::linear(x, weight, {});
      ++calls;
    } while (now_s() - begin < 0.005);
    y.cpu();  // a GPU is done only then
    best = std::max(best, 2.0 * kTokens * kWidth * kWidth * calls / (now_s() - begin) * 1e-9);
  }
  return best;
}

}  // namespace

ProductSpeed measured_products(bool bf16, const std::string& device) {
  const at::Device where = device == "cuda" ? at::kCUDA : at::kCPU;
  ProductSpeed speed;
  speed.gflops = measured_gflops(at::kFloat, where);
  // A core's other work does not gain from fast products: 0.2 to 0.3 of their time where they are slow (90 to 110
  // GFLOP/s: AVX2, Zen 4), 0.6 by MKL on a Xeon (155), 0.9 by its tiles.
  constexpr double kLeast = 0.3, kOfGigaflops = 0.0035;
  speed.beside = where.is_cpu() ? std::max(kLeast, kOfGigaflops * speed.gflops) : kLeast;
  if (bf16) speed.bf16_gain = measured_gflops(at::kBFloat16, where) / speed.gflops;
  return speed;
}

bool multiplies_bf16() {
  return has_fast_bf16();
}

std::string torch_version() {
  return TORCH_VERSION;
}

std::string cpu_type() {
  static const std::string type = [] {
    std::ifstream info("/proc/cpuinfo");
    std::string model = "unknown processor";
    for (std::string line; std::getline(info, line);) {
      if (line.starts_with("model name")) {
        model = line.substr(line.find(':') + 2);
        break;
      }
    }
    return model + ", " + kernels::table().level + (kernels::has_tiles() ? ", AMX" : "");
  }();
  return type;
}

}  // namespace peftgrid::worker
