#pragma once

#include <ATen/core/Tensor.h>

#include "worker/kernels/functions.hpp"

/// The operators of functions.hpp, of AdamW and of clipping for devices other than the CPU: LibTorch's own, and kernels
/// of ours (device_kernels.inc, attention_kernels.inc), which a CUDA device runs and which a loop runs for tensors on
/// the CPU. They draw the same random numbers as the loops of vector_kernels.hpp and agree with them to rounding, which
/// tests show on a CPU.
namespace peftgrid::worker::cuda_ops {

/// Compiles the kernels for the CUDA device that is current in this thread, beside whatever comes next: 0.8 s. The
/// first kernel waits for it, and says what went wrong.
void compile_ahead();

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
Normed add_norm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& weight, const at::Tensor& bias,
                const NormSettings& settings);
/// By LibTorch's own operators: no kernel of ours for what decoders alone need has run on a GPU yet.
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

/// Examples and positions as int64 [2, tokens] on `device`; copied there once.
at::Tensor owners_on(at::Device device, const TokenOwners& owners);
/// x [tokens, width] times its factors of dropout; so are gradients. `owners`: see owners_on. No autograd.
at::Tensor dropped(const at::Tensor& x, double rate, Key key, std::uint32_t step, const at::Tensor& owners);

/// What worker::attention takes, or the gradients on it; contiguous.
struct AttentionInputs {
  at::Tensor q, k, v, extra_k, extra_v;
};
/// How the rows of a batch lie, on the device.
struct PackedRows;
/// The result [lines of q, d], and what its gradients need: scores, the softmax's sums, factors of dropout (undefined
/// without).
struct Attended {
  at::Tensor out, scores, norms, factors;
  std::shared_ptr<const PackedRows> rows;
  std::int64_t heads = 0, kv_heads = 0;
};
/// worker::attention without autograd.
Attended attention(const AttentionInputs& in, const AttentionCall& call);
AttentionInputs attention_gradients(const AttentionInputs& in, const Attended& attended,
                                    const at::Tensor& out_gradient);

/// Sum of squares in float64.
double squares(const at::Tensor& x);

/// One AdamW step over flat buffers. `decays` is 1 where decay acts, else 0; the rest as kernels::Table::adamw.
struct AdamWStep {
  double rate, decay, beta1, beta2, epsilon, correction1, correction2, gradient_scale;
};
void adamw(const AdamWStep& step, const at::Tensor& decays, const at::Tensor& gradient, const at::Tensor& values,
           const at::Tensor& first, const at::Tensor& second);

}  // namespace peftgrid::worker::cuda_ops
