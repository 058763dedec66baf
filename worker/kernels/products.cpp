#include "worker/kernels/products.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <exception>
#include <string_view>

#include "worker/kernels/cpu/vector_kernels.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// oneDNN's product, reached through the dispatcher: LibTorch has no C++ name for it.
Tensor onednn_linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  using Signature = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto product =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<Signature>();
  return product.call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

/// Which library multiplies in fp32 is decided by the processor alone (docs/performance.md). MKL is the faster one
/// without AVX-512; with it, on Intel only for a weight that is not turned; elsewhere it takes a slow path.
bool has_avx512() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0;
  return has;
}
bool is_intel() {
  static const bool is = __builtin_cpu_is("intel") != 0;
  return is;
}

Tensor bf16_to_float(const Tensor& x, const std::optional<Tensor>& bias) {
  Tensor y = at::empty(x.sizes(), x.options().dtype(at::kFloat));
  kernels::table().bf16_to_float(static_cast<const std::uint16_t*>(x.const_data_ptr()),
                                 bias ? bias->const_data_ptr<float>() : nullptr, y.mutable_data_ptr<float>(), x.size(0),
                                 x.size(1));
  return y;
}

}  // namespace

Tensor product(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (has_avx512()) return onednn_linear(x, weight, bias);
  return bias ? at::addmm(*bias, x, weight.t()) : at::mm(x, weight.t());
}

Tensor input_gradient(const Tensor& gradient, const Tensor& weight) {
  return is_intel() || !has_avx512() ? at::mm(gradient, weight) : onednn_linear(gradient, weight.t(), std::nullopt);
}

Tensor bf16_product(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  const Tensor narrow = x.to(at::kBFloat16);
  if (has_fast_bf16()) return bf16_to_float(onednn_linear(narrow, weight, std::nullopt), bias);
  return product(narrow.to(at::kFloat), weight.to(at::kFloat), bias);
}

bool has_fast_bf16() {
  static const bool works = [] {
    try {
      const Tensor x = at::ones({16, 16}, at::kBFloat16);
      onednn_linear(x, x, std::nullopt);
      return true;
    } catch (const std::exception&) {  // of LibTorch or of oneDNN itself
      return false;
    }
  }();
  return works;
}

}  // namespace peftgrid::worker
