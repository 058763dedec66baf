#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// Products of large matrices on the CPU: by tiles where the processor has them (cpu/tile_product.hpp), else by
/// whichever of LibTorch's libraries is the faster one. No line's numbers depend on how many lines there are where
/// tiles multiply.
namespace peftgrid::worker {

/// x weight^T + bias in fp32: x [tokens, in], weight [out, in].
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);
/// gradient weight: gradient [tokens, out].
at::Tensor input_gradient(const at::Tensor& gradient, const at::Tensor& weight);
/// gradient^T x: gradient [tokens, out], x [tokens, in].
at::Tensor weight_gradient(const at::Tensor& gradient, const at::Tensor& x);
/// The same, added to `sum` [out, in].
void add_weight_gradient(const at::Tensor& gradient, const at::Tensor& x, at::Tensor sum);
/// x weight^T of numbers in bf16, sums and bias in fp32. Without instructions for it the rounded numbers are widened
/// and multiplied in fp32: as exact, and many times as fast as LibTorch's own loop.
at::Tensor bf16_product(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

/// Does oneDNN offer bf16 products on this processor? Probed once; where not, numbers rounded to bf16 are multiplied in
/// fp32.
bool has_fast_bf16();

}  // namespace peftgrid::worker
