#pragma once

#include <cmath>
#include <cstdint>

#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp only: layer norm or root mean square norm of a sum, one token at a time, and its gradients.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

inline float variance_of(const float* line, float mean, std::int64_t width) {
  Floats squares{};
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Floats off = load(line + i) - mean;
    squares += off * off;
  }
  if (i < width) {
    const Floats off = before(width, i, load_part(line, i, width) - mean, 0);
    squares += off * off;
  }
  return sum_of_lanes(squares) / static_cast<float>(width);
}

inline void add_norm(const NormShape& shape, const float* a, const float* b, const float* weight, const float* bias,
                     float* sum, float* y, float* kept) {
  const std::int64_t width = shape.width;
  for (std::int64_t t = 0; t < shape.tokens; ++t) {
    const float* one = a + t * width;
    float* out = y + t * width;
    const float* total = one;
    Floats sums{};
    if (b != nullptr) {
      total = sum + t * width;
      for (std::int64_t i = 0; i < width; i += kLanes) {
        const Floats both = load_part(one, i, width) + load_part(b + t * width, i, width);
        store_part(sum + t * width, i, width, both);
        sums += both;
      }
    } else if (!shape.root_mean_square) {
      for (std::int64_t i = 0; i < width; i += kLanes) sums += load_part(one, i, width);
    }
    const float mean = shape.root_mean_square ? 0.0F : sum_of_lanes(sums) / static_cast<float>(width);
    const float factor = 1.0F / std::sqrt(variance_of(total, mean, width) + shape.epsilon);
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Floats normed = (load_part(total, i, width) - mean) * factor;
      const Floats shift = bias != nullptr ? load_part(bias, i, width) : Floats{};
      store_part(out, i, width, normed * load_part(weight, i, width) + shift);
    }
    kept[2 * t] = mean;
    kept[2 * t + 1] = factor;
  }
}

inline void norm_backward(const NormShape& shape, const float* sum, const float* kept, const float* weight,
                          const float* y_gradient, const float* sum_gradient, float* gradient, float* weight_gradient,
                          float* bias_gradient) {
  const std::int64_t width = shape.width;
  for (std::int64_t t = 0; t < shape.tokens; ++t) {
    const float *total = sum + t * width, *up = y_gradient + t * width;
    const float mean = kept[2 * t], factor = kept[2 * t + 1];
    Floats plain{}, along{};
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Floats u = load_part(up, i, width), normed = (load_part(total, i, width) - mean) * factor;
      const Floats inner = u * load_part(weight, i, width);
      plain += inner;
      along += inner * normed;
      if (weight_gradient != nullptr) {
        store_part(weight_gradient, i, width, load_part(weight_gradient, i, width) + u * normed);
        if (bias_gradient != nullptr) store_part(bias_gradient, i, width, load_part(bias_gradient, i, width) + u);
      }
    }
    const float share = 1.0F / static_cast<float>(width);
    const float mean_plain = shape.root_mean_square ? 0.0F : sum_of_lanes(plain) * share;
    const float mean_along = sum_of_lanes(along) * share;
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Floats normed = (load_part(total, i, width) - mean) * factor;
      Floats g = (load_part(up, i, width) * load_part(weight, i, width) - mean_plain - normed * mean_along) * factor;
      if (sum_gradient != nullptr) g += load_part(sum_gradient + t * width, i, width);
      store_part(gradient + t * width, i, width, g);
    }
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
