#pragma once

#include <cstdint>

#include "worker/kernels/cpu/vector_kernels.hpp"

/// For vector_kernels.cpp only: rotary positions, one token at a time.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// (a, b) turned by the angle whose cosine and sine are c and s, pair by pair; b's numbers stand `apart` behind a's.
inline void turn_pairs(const float* x, float* y, const float* c, const float* s, std::int64_t pairs,
                       std::int64_t stride, std::int64_t apart, float direction) {
  for (std::int64_t i = 0; i < pairs; ++i) {
    const float a = x[i * stride], b = x[i * stride + apart], sine = s[i] * direction;
    y[i * stride] = a * c[i] - b * sine;
    y[i * stride + apart] = b * c[i] + a * sine;
  }
}

inline void rotary(const RotaryShape& shape, const float* x, const float* cosines, const float* sines, float* y,
                   float direction) {
  const std::int64_t pairs = shape.turned / 2;
  for (std::int64_t line = 0; line < shape.tokens * shape.heads; ++line) {
    const std::int64_t token = line / shape.heads;
    const float *from = x + line * shape.head_dim, *c = cosines + token * pairs, *s = sines + token * pairs;
    float* to = y + line * shape.head_dim;
    if (shape.interleaved) {
      turn_pairs(from, to, c, s, pairs, 2, 1, direction);
    } else {
      turn_pairs(from, to, c, s, pairs, 1, pairs, direction);
    }
    for (std::int64_t i = shape.turned; i < shape.head_dim; ++i) to[i] = from[i];
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
