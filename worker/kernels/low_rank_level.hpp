#pragma once

#include <cstdint>

#include "worker/kernels/buffer_level.hpp"
#include "worker/kernels/product_level.hpp"
#include "worker/kernels/vector_level.hpp"

/// For vector_kernels.cpp only: products through a narrow waist, as LoRA adds them, with their gradients. Libraries
/// reach a third of their speed where a side is 8 numbers long.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// matrix [rows, columns] to [columns, width], zeros behind `rows`.
inline const float* turned(const float* matrix, std::int64_t rows, std::int64_t columns, std::int64_t width,
                           Buffer<float>& buffer) {
  float* to = buffer.take(columns * width);
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) to[c * width + r] = matrix[r * columns + c];
    for (std::int64_t r = rows; r < width; ++r) to[c * width + r] = 0;
  }
  return to;
}

/// factor * x W with W [wide, rank] as lines of `width` numbers: [tokens, width].
inline void narrow(const LowRankShape& shape, std::int64_t wide, const float* x, const float* lines, std::int64_t width,
                   float* waist) {
  product(shape.tokens, width, wide, x, wide, 1, lines, width, waist, width);
  for (std::int64_t i = 0; i < shape.tokens * width; i += kLanes) store(waist + i, load(waist + i) * shape.factor);
}

inline void low_rank(const LowRankShape& shape, const float* x, const float* down, const float* up, float* out,
                     float* waist) {
  static thread_local Buffer<float> down_turned, up_turned;
  const std::int64_t width = padded(shape.rank);
  narrow(shape, shape.in, x, turned(down, shape.rank, shape.in, width, down_turned), width, waist);
  const float* lines = turned(up, shape.out, shape.rank, shape.out, up_turned);
  product(shape.tokens, shape.out, shape.rank, waist, width, 1, lines, shape.out, out, shape.out);
}

inline void low_rank_backward(const LowRankShape& shape, const float* x, const float* down, const float* up,
                              const float* waist, const float* gradient, float* x_gradient, float* down_gradient,
                              float* up_gradient) {
  static thread_local Buffer<float> up_padded, waist_gradient, up_gradient_turned;
  const std::int64_t width = padded(shape.rank);
  float* lines = up_padded.take(shape.out * width);
  for (std::int64_t o = 0; o < shape.out; ++o) {
    for (std::int64_t r = 0; r < width; ++r) lines[o * width + r] = r < shape.rank ? up[o * shape.rank + r] : 0.0F;
  }
  float* narrowed = waist_gradient.take(shape.tokens * width);
  narrow(shape, shape.out, gradient, lines, width, narrowed);
  if (x_gradient != nullptr)
    product(shape.tokens, shape.in, shape.rank, narrowed, width, 1, down, shape.in, x_gradient, shape.in);
  product(shape.rank, shape.in, shape.tokens, narrowed, 1, width, x, shape.in, down_gradient, shape.in);
  float* other_way = up_gradient_turned.take(shape.rank * shape.out);
  product(shape.rank, shape.out, shape.tokens, waist, 1, width, gradient, shape.out, other_way, shape.out);
  for (std::int64_t r = 0; r < shape.rank; ++r) {
    for (std::int64_t o = 0; o < shape.out; ++o) up_gradient[o * shape.rank + r] = other_way[r * shape.out + o];
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
