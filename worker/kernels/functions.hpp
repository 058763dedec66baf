#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "worker/model/randomness.hpp"

/// The operators that LibTorch lacks or does slowly, with their gradients: on the CPU by loops of our own and oneDNN,
/// on another device as cuda_ops.hpp puts them together. The tensors of a call lie on one device.
namespace peftgrid::worker {

/// Whose token is it? For dropout: the numbers of a token depend on its example and position, never on its neighbours.
struct TokenOwners {
  std::vector<std::uint32_t> example, position;  // [tokens]
  /// The same as int64 [2, tokens] on the device that first asked for it; undefined before. For cuda_ops.cpp.
  mutable at::Tensor on_device;
};

/// x W^T + b with W [out, in]. A frozen W gets no gradient: forward and backward go through oneDNN straight from the
/// mapped file; a frozen W in bf16 takes the product in bf16 and adds the bias in fp32. A trained W
/// gets its gradient. x [tokens, in] fp32; bias may be undefined.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// factor * (x down^T) up^T [tokens, out] (LoRA: Hu et al., ICLR 2022) with every gradient: x [tokens, in], down [rank,
/// in], up [out, rank].
at::Tensor low_rank(const at::Tensor& x, const at::Tensor& down, const at::Tensor& up, double factor);

/// GELU (Hendrycks and Gimpel, 2016), element by element: by the error function, or the paper's approximation by tanh.
enum class GeluForm : std::uint8_t { Erf, Tanh };
at::Tensor gelu(const at::Tensor& x, GeluForm form = GeluForm::Erf);

/// SiLU(gate) * up, element by element: the unit of SwiGLU (Shazeer, 2020).
at::Tensor silu_gate(const at::Tensor& gate, const at::Tensor& up);

/// Rotary positions (Su et al., 2021): by which angles the pairs of each token turn.
struct Rotation {
  at::Tensor cosines, sines;  // [tokens, pairs]; the numbers of a head behind the pairs stay
  std::int64_t head_dim = 0;
  bool interleaved = false;  // a pair is (2 i, 2 i + 1), as in GLM; else (i, i + pairs), as in LLaMA
};
/// x [tokens, heads * head_dim], turned.
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

/// Zeroes numbers with probability `rate` and scales the rest by 1 / (1 - rate). x [tokens, width].
at::Tensor dropout(const at::Tensor& x, double rate, Key key, std::uint32_t step, const TokenOwners& owners);

/// A norm over the last dimension: layer norm (Ba et al., 2016), or RMSNorm (Zhang and Sennrich, 2019).
struct NormSettings {
  double epsilon = 1e-12;
  bool root_mean_square = false;
};
/// a + b and its norm; a, b [tokens, width], weight and bias [width]. b undefined: the sum is a. bias may be undefined.
struct Normed {
  at::Tensor sum, y;
};
Normed add_norm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& weight, const at::Tensor& bias,
                const NormSettings& settings);

/// One direction of one layer of an LSTM (Hochreiter and Schmidhuber, 1997) over one sequence, as torch.nn.LSTM has it:
/// `gates` [steps, 4 n] is what the inputs and both biases give its gates, in the order input, forget, cell, output;
/// `recurrent` [4 n, n] multiplies the state of the step before, which is 0 at first. Returns the states [steps, n].
/// `backwards`: from the last step to the first.
at::Tensor lstm(const at::Tensor& gates, const at::Tensor& recurrent, bool backwards);

/// What next tokens are predicted among: the rows of `table` [V, d], and those of `inserted` [k, d] behind them, which
/// may be undefined.
struct Vocabulary {
  at::Tensor table, inserted;
};
/// Of each line of x [lines, d] the negative log-probability, in nats, of its target (int64 [lines], below V + k), by a
/// softmax over x table^T, [lines]; with the gradients on x and, where they train, on both tables. Lines are taken by
/// chunks: no tensor of [lines, V] ever exists, and a trained table's gradient is added where it gathers, chunk by
/// chunk.
at::Tensor linear_cross_entropy(const at::Tensor& x, const Vocabulary& vocabulary, const at::Tensor& targets);

/// Attention over packed rows (vector_kernels.hpp).
struct AttentionCall {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // of keys and values, a divisor of heads; 0: as many
  bool causal = false;        // a token sees the extra keys, itself and those before it in its row
  double dropout = 0;
  Key key;
  std::uint32_t step = 0;
  std::shared_ptr<const std::vector<std::int32_t>> offsets;  // [rows + 1]
  std::shared_ptr<const std::vector<std::int32_t>> query;    // [rows], see AttentionShape; null: every token asks
  std::shared_ptr<const std::vector<std::int32_t>> keys;     // [rows], as query; null: all tokens; on the CPU only
  std::shared_ptr<const TokenOwners> owners;
};
/// q [tokens, d], or [at least rows, d] where one token of each row asks; k, v [tokens, e], e = d kv_heads / heads;
/// extra_k, extra_v undefined, or [rows or 1, length, e]: they come before each row's own keys. Returns what q asked
/// for, in its shape. Lines behind the last row's belong to nobody and become 0.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& extra_k,
                     const at::Tensor& extra_v, const AttentionCall& call);

}  // namespace peftgrid::worker
