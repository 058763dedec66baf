// Compiled three times, with -DPEFTGRID_LEVEL=v1 | v3 | v4 and the matching -march (worker/CMakeLists.txt).
#include "worker/kernels/cpu/vector_kernels.hpp"

#include "worker/kernels/cpu/activation.hpp"
#include "worker/kernels/cpu/attention.hpp"
#include "worker/kernels/cpu/low_rank.hpp"
#include "worker/kernels/cpu/norm.hpp"
#include "worker/kernels/cpu/philox.hpp"
#include "worker/kernels/cpu/rotary.hpp"
#include "worker/kernels/cpu/vector_types.hpp"
#include "worker/kernels/cpu/vocabulary.hpp"

namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

namespace {

void dropout(const float* x, float* y, std::int8_t* mask, std::int64_t tokens, std::int64_t width, float rate,
             const TokenStream& stream) {
  const std::uint32_t threshold = drop_threshold(rate);
  const float scale = 1.0F / (1.0F - rate);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float* in = x + t * width;
    float* out = y + t * width;
    for (std::int64_t block = 0; block * kBlock < width; ++block) {
      std::uint32_t bits[kBlock];
      philox_block(stream, static_cast<std::uint32_t>(block), stream.position[t], stream.example[t], bits);
      const std::int64_t begin = block * kBlock;
      const std::int64_t count = width - begin < kBlock ? width - begin : kBlock;
      for (std::int64_t i = 0; i < count; ++i) out[begin + i] = bits[i] >= threshold ? in[begin + i] * scale : 0.0F;
      if (mask == nullptr) continue;
      for (std::int64_t i = 0; i < count; ++i)
        mask[t * width + begin + i] = static_cast<std::int8_t>(bits[i] >= threshold ? -1 : 0);
    }
  }
}

void dropout_backward(const float* x, const std::int8_t* mask, float* y, std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = mask[i] != 0 ? x[i] * factor : 0.0F;
}

void bf16_to_float(const std::uint16_t* x, const float* bias, float* y, std::int64_t tokens, std::int64_t width) {
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::uint16_t* in = x + t * width;
    float* out = y + t * width;
    if (bias != nullptr) {
      for (std::int64_t i = 0; i < width; ++i) out[i] = float_of_bf16(in[i]) + bias[i];
    } else {
      for (std::int64_t i = 0; i < width; ++i) out[i] = float_of_bf16(in[i]);
    }
  }
}

void adamw(float* weight, const float* gradient, float* first, float* second, std::int64_t count, float rate,
           float decay, double beta1, double beta2, float epsilon, float correction1, float correction2,
           float gradient_scale) {
  const auto kept1 = static_cast<float>(beta1), kept2 = static_cast<float>(beta2);
  // In float64: 1 - 0.999 in fp32 is off by 1.3e-5.
  const auto taken1 = static_cast<float>(1.0 - beta1), taken2 = static_cast<float>(1.0 - beta2);
  const float step = rate / correction1;
  const float root = 1.0F / std::sqrt(correction2);
  const float keep = 1.0F - rate * decay;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * gradient_scale;
    const float m = kept1 * first[i] + taken1 * g;
    const float v = kept2 * second[i] + taken2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i] * keep - step * m / (std::sqrt(v) * root + epsilon);
  }
}

double squares(const float* x, std::int64_t count) {
  constexpr std::int64_t kSums = 16;
  double lanes[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (std::int64_t l = 0; l < kSums; ++l) lanes[l] += static_cast<double>(x[i + l]) * static_cast<double>(x[i + l]);
  }
  for (; i < count; ++i) lanes[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

extern const Table kTable;
const Table kTable{PEFTGRID_LEVEL_NAME,
                   dropout,
                   dropout_backward,
                   add_norm,
                   norm_backward,
                   attention,
                   attention_backward,
                   activation<gelu_of>,
                   activation<gelu_tanh_of>,
                   silu_gate,
                   silu_gate_backward,
                   softmax_lines,
                   rotary,
                   low_rank,
                   low_rank_backward,
                   bf16_to_float,
                   adamw,
                   squares};

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
