#pragma once

#include <cstdint>

#include "worker/kernels/cpu/buffer.hpp"
#include "worker/kernels/cpu/matmul.hpp"
#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp only: products by two matrices of low rank, as LoRA adds them, with their gradients.
/// Libraries reach a third of their speed where a side is 8 numbers long.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// factor * x W with W [wide, rank] as lines of `width` numbers: [tokens, width].
inline void narrow(const LowRankShape& shape, std::int64_t wide, const float* x, const float* lines, std::int64_t width,
                   float* projected) {
  matmul(shape.tokens, width, wide, x, wide, 1, lines, width, projected, width);
  for (std::int64_t i = 0; i < shape.tokens * width; i += kLanes)
    store(projected + i, load(projected + i) * shape.factor);
}

inline void low_rank(const LowRankShape& shape, const float* x, const float* down, const float* up, float* out,
                     float* projected) {
  static thread_local Buffer<float> down_transposed, up_transposed;
  const std::int64_t width = padded(shape.rank);
  float* down_lines = down_transposed.take(shape.in * width);
  transpose(down, shape.rank, shape.in, shape.in, width, down_lines);
  narrow(shape, shape.in, x, down_lines, width, projected);
  float* up_lines = up_transposed.take(shape.rank * shape.out);
  transpose(up, shape.out, shape.rank, shape.rank, shape.out, up_lines);
  matmul(shape.tokens, shape.out, shape.rank, projected, width, 1, up_lines, shape.out, out, shape.out);
}

inline void low_rank_backward(const LowRankShape& shape, const float* x, const float* down, const float* up,
                              const float* projected, const float* gradient, float* x_gradient, float* down_gradient,
                              float* up_gradient) {
  static thread_local Buffer<float> up_padded, projected_gradient, up_gradient_transposed;
  const std::int64_t width = padded(shape.rank);
  float* lines = up_padded.take(shape.out * width);
  gather(up, shape.rank, shape.out, shape.rank, width, lines);
  float* narrowed = projected_gradient.take(shape.tokens * width);
  narrow(shape, shape.out, gradient, lines, width, narrowed);
  if (x_gradient != nullptr)
    matmul(shape.tokens, shape.in, shape.rank, narrowed, width, 1, down, shape.in, x_gradient, shape.in);
  matmul(shape.rank, shape.in, shape.tokens, narrowed, 1, width, x, shape.in, down_gradient, shape.in);
  float* other_way = up_gradient_transposed.take(shape.rank * shape.out);
  matmul(shape.rank, shape.out, shape.tokens, projected, 1, width, gradient, shape.out, other_way, shape.out);
  transpose(other_way, shape.rank, shape.out, shape.out, shape.rank, up_gradient);
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
