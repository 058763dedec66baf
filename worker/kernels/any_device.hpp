#pragma once

#include <ATen/core/Tensor.h>

#include "worker/kernels/functions.hpp"

/// The operators of functions.hpp, of AdamW and of clipping, put together from LibTorch's own: for devices other than
/// the CPU. They draw the same random numbers as the loops of vector_kernels.hpp and agree with them to rounding, which
/// tests show on a CPU. Attention works on rows padded to the longest of the batch.
namespace peftgrid::worker::any_device {

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
at::Tensor dropout(const at::Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners);
Normed add_norm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& weight, const at::Tensor& bias,
                double epsilon);
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& extra_k,
                     const at::Tensor& extra_v, const AttentionCall& call);

/// Sum of squares in float64.
double squares(const at::Tensor& x);

/// One AdamW step over flat buffers. `decays` is 1 where decay acts, else 0; the rest as kernels::Table::adamw.
struct AdamWStep {
  double rate, decay, beta1, beta2, epsilon, correction1, correction2, gradient_scale;
};
void adamw(const AdamWStep& step, const at::Tensor& decays, const at::Tensor& gradient, at::Tensor values,
           at::Tensor first, at::Tensor second);

}  // namespace peftgrid::worker::any_device
