#pragma once

#include <cstdint>

/// Loops that LibTorch lacks or does slowly, on plain memory. Compiled once for each level of x86-64 (baseline, v3 =
/// AVX2, v4 = AVX-512) and chosen once at start; integers are equal at every level, floats to rounding.
namespace peftgrid::worker::kernels {

/// Which random numbers belong to a token: dropout at (step, example, position, index) of a stream.
struct TokenStream {
  std::uint32_t key_a, key_b, step;
  const std::uint32_t* example;   // [tokens]
  const std::uint32_t* position;  // [tokens]
};

/// Attention over packed rows. Row r owns tokens offsets[r] .. offsets[r+1]; all heads of a token lie side by side.
struct AttentionShape {
  std::int64_t rows, heads, head_dim;
  std::int64_t kv_heads;  // of keys and values: each serves heads / kv_heads of the queries' (Ainslie et al., 2023)
  const std::int32_t* offsets;    // [rows + 1]
  const std::int32_t* query;      // [rows]: the position in its row of the only token that asks; null: every token asks
  const std::int32_t* keys;       // [rows]: how many of a row's tokens, from its first, are keys; null: all of them
  std::int64_t extra;             // extra keys and values before each row's own (prefix)
  std::int64_t extra_row_stride;  // floats from one row's extra keys to the next; 0: shared by all rows
  bool causal;                    // of its own row a token sees itself and what comes before it; the extra ones always
  float scale;                    // on the scores
  float dropout;                  // rate on the softmax; 0: none
  TokenStream stream;             // example and position of each token
};

struct NormShape {
  std::int64_t tokens, width;
  float epsilon;
  bool root_mean_square;  // RMSNorm (Zhang and Sennrich, 2019): no mean is taken off
};

/// Rotary positions (Su et al., 2021) on x [tokens, heads * head_dim]: the first `turned` numbers of each head turn by
/// pairs. A pair is (i, i + turned / 2), or (2 i, 2 i + 1) where interleaved.
struct RotaryShape {
  std::int64_t tokens, heads, head_dim, turned;
  bool interleaved;
};

/// Softmaxes over a vocabulary in two tables.
struct SoftmaxShape {
  std::int64_t lines, count, others;
};

/// factor * (x down^T) up^T: x [tokens, in], down [rank, in], up [out, rank].
struct LowRankShape {
  std::int64_t tokens, in, out, rank;
  float factor;
};

struct Table {
  const char* level;

  /// y[t, i] = x[t, i] / (1 - rate), or 0 with probability `rate`; `mask`, where not null, becomes -1 where a number
  /// was kept, else 0.
  void (*dropout)(const float* x, float* y, std::int8_t* mask, std::int64_t tokens, std::int64_t width, float rate,
                  const TokenStream& stream);
  /// y[i] = x[i] * factor where the mask is -1, else 0: dropout's backward.
  void (*dropout_backward)(const float* x, const std::int8_t* mask, float* y, std::int64_t count, float factor);

  /// sum = a + b and y = its norm, all [tokens, width]; kept [tokens, 2]: mean (0 for RMSNorm) and the factor on what
  /// is off it. b may be null: then a is normed, and no sum written. bias may be null.
  void (*add_norm)(const NormShape& shape, const float* a, const float* b, const float* weight, const float* bias,
                   float* sum, float* y, float* kept);
  /// The gradient on a and on b, [tokens, width]; that of the norm's weight and bias is added to where not null.
  /// `sum_gradient` (what reached the sum by another way) may be null.
  void (*norm_backward)(const NormShape& shape, const float* sum, const float* kept, const float* weight,
                        const float* y_gradient, const float* sum_gradient, float* gradient, float* weight_gradient,
                        float* bias_gradient);

  /// out [tokens, heads * head_dim]; probabilities (before dropout) to `kept`, see attention_kept_size, or null.
  void (*attention)(const AttentionShape& shape, const float* q, const float* k, const float* v, const float* extra_k,
                    const float* extra_v, float* out, float* kept);
  /// Gradients for q, k, v (written whole but for tokens that are no keys) and, where not null, extra keys and values
  /// (added to).
  void (*attention_backward)(const AttentionShape& shape, const float* q, const float* k, const float* v,
                             const float* extra_k, const float* extra_v, const float* kept, const float* out_gradient,
                             float* q_gradient, float* k_gradient, float* v_gradient, float* extra_k_gradient,
                             float* extra_v_gradient);

  /// y[i] = GELU(x[i]), by the error function, and by tanh; its slope there to `slope` where not null.
  void (*gelu)(const float* x, float* y, float* slope, std::int64_t count);
  void (*gelu_tanh)(const float* x, float* y, float* slope, std::int64_t count);

  /// y[i] = SiLU(gate[i]) * up[i], and the gradients on both.
  void (*silu_gate)(const float* gate, const float* up, float* y, std::int64_t count);
  void (*silu_gate_backward)(const float* gate, const float* up, const float* gradient, float* gate_gradient,
                             float* up_gradient, std::int64_t count);

  /// `scores` [lines, count] and `others` [lines, others] together are a line's scores: of each its target's negative
  /// log-probability under their softmax, in nats, to `losses`. They become exponentials, or with `to_slopes` the
  /// slopes of that number: the softmax, less 1 at the target. A target from `count` on is one of the others.
  void (*softmax_lines)(const SoftmaxShape& shape, float* scores, float* others, const std::int64_t* targets,
                        float* losses, bool to_slopes);

  /// y: x turned by the angles of each token, cosines and sines [tokens, turned / 2]; `direction` -1 turns back.
  void (*rotary)(const RotaryShape& shape, const float* x, const float* cosines, const float* sines, float* y,
                 float direction);

  /// To out [tokens, out]; `projected`, factor * x down^T with lines of low_rank_width numbers, is kept for backward.
  void (*low_rank)(const LowRankShape& shape, const float* x, const float* down, const float* up, float* out,
                   float* projected);
  /// The gradients on x (may be null), down and up, written whole, from that on out.
  void (*low_rank_backward)(const LowRankShape& shape, const float* x, const float* down, const float* up,
                            const float* projected, const float* gradient, float* x_gradient, float* down_gradient,
                            float* up_gradient);

  /// y[t, i] = float(x[t, i]) + bias[i]; x in bf16, bias may be null.
  void (*bf16_to_float)(const std::uint16_t* x, const float* bias, float* y, std::int64_t tokens, std::int64_t width);

  /// One AdamW step (Loshchilov and Hutter 2019, with bias correction) over `count` numbers.
  void (*adamw)(float* weight, const float* gradient, float* first, float* second, std::int64_t count, float rate,
                float decay, double beta1, double beta2, float epsilon, float correction1, float correction2,
                float gradient_scale);

  /// Sum of squares in float64, in one order.
  double (*squares)(const float* x, std::int64_t count);
};

/// Floats that `kept` of attention needs: of rows with few keys. Of others the weights are made again when gradients
/// are, so that memory goes with the tokens and not with their square.
std::int64_t attention_kept_size(const AttentionShape& shape);
constexpr bool keeps_weights(std::int64_t keys) {
  return keys <= 256;
}

/// Numbers in a line of what low_rank projected.
std::int64_t low_rank_width(std::int64_t rank);

/// The table of this processor.
const Table& table();
/// The tables that this processor can run, best first: for tests.
const Table* const* all_tables();

}  // namespace peftgrid::worker::kernels
