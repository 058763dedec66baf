#include "worker/kernels/products.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <exception>
#include <string_view>

#include "worker/kernels/cpu/tile_product.hpp"
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

/// As tiles take it: along lines or along depths the numbers lie side by side.
kernels::Factor factor_of(const Tensor& matrix) {
  return {matrix.const_data_ptr<float>(), matrix.size(0), matrix.stride(0), matrix.stride(1)};
}
Tensor side_by_side(const Tensor& matrix) {
  return matrix.stride(0) == 1 || matrix.stride(1) == 1 ? matrix : matrix.contiguous();
}

/// out = left right^T + bias, or added to `out`: left [lines, depth], right [columns, depth].
void multiply_tiles(const Tensor& left, const Tensor& right, const std::optional<Tensor>& bias, bool add, Tensor& out) {
  const Tensor one = side_by_side(left), other = side_by_side(right);
  const kernels::TileProduct whole{factor_of(one),
                                   factor_of(other),
                                   one.size(1),
                                   bias ? bias->const_data_ptr<float>() : nullptr,
                                   add,
                                   out.mutable_data_ptr<float>()};
  at::parallel_for(0, whole.left.lines, kernels::kTileLines, [&](std::int64_t begin, std::int64_t end) {
    kernels::TileProduct part = whole;
    part.left.data += begin * part.left.line_stride;
    part.left.lines = end - begin;
    part.out += begin * part.right.lines;
    kernels::tile_product(part);
  });
}

Tensor by_tiles(const Tensor& left, const Tensor& right, const std::optional<Tensor>& bias) {
  Tensor out = at::empty({left.size(0), right.size(0)}, left.options());
  multiply_tiles(left, right, bias, false, out);
  return out;
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
  if (kernels::has_tiles()) return by_tiles(x, weight, bias);
  if (has_avx512()) return onednn_linear(x, weight, bias);
  return bias ? at::addmm(*bias, x, weight.t()) : at::mm(x, weight.t());
}

Tensor input_gradient(const Tensor& gradient, const Tensor& weight) {
  if (kernels::has_tiles()) return by_tiles(gradient, weight.t(), std::nullopt);
  return is_intel() || !has_avx512() ? at::mm(gradient, weight) : onednn_linear(gradient, weight.t(), std::nullopt);
}

Tensor weight_gradient(const Tensor& gradient, const Tensor& x) {
  if (kernels::has_tiles() && x.size(0) > 0) return by_tiles(gradient.t(), x.t(), std::nullopt);
  return at::mm(gradient.t(), x);
}

void add_weight_gradient(const Tensor& gradient, const Tensor& x, Tensor sum) {
  if (kernels::has_tiles() && x.size(0) > 0 && sum.is_contiguous())
    return multiply_tiles(gradient.t(), x.t(), std::nullopt, true, sum);
  sum.addmm_(gradient.t(), x);
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
