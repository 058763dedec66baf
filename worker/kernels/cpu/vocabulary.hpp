#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "worker/kernels/cpu/activation.hpp"
#include "worker/kernels/cpu/vector_kernels.hpp"

/// For vector_kernels.cpp only: a softmax over a vocabulary, whose scores stand in two tables.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

inline float highest_of(const float* scores, std::int64_t count) {
  Floats highest = Floats{} + scores[0];
  for (std::int64_t j = 0; j < count; j += kLanes) {
    const Floats here = before(count, j, load_part(scores, j, count), scores[0]);
    highest = here > highest ? here : highest;
  }
  return highest_of_lanes(highest);
}

/// The sum of e^(scores - highest), which replace the scores. By runs, each added to a double: fp32 would lose digits
/// in a sum over a whole vocabulary.
inline double exponentials(float* scores, std::int64_t count, float highest) {
  constexpr std::int64_t kRun = 1024;
  double sum = 0;
  for (std::int64_t begin = 0; begin < count; begin += kRun) {
    const std::int64_t end = std::min(count, begin + kRun);
    Floats lanes{};
    for (std::int64_t j = begin; j < end; j += kLanes) {
      const Floats e = before(end, j, exp_of_negative(load_part(scores, j, end) - highest), 0);
      store_part(scores, j, end, e);
      lanes += e;
    }
    sum += static_cast<double>(sum_of_lanes(lanes));
  }
  return sum;
}

inline void scale(float* numbers, std::int64_t count, float factor) {
  for (std::int64_t j = 0; j < count; ++j) numbers[j] *= factor;
}

inline void softmax_lines(const SoftmaxShape& shape, float* scores, float* others, const std::int64_t* targets,
                          float* losses, bool to_slopes) {
  for (std::int64_t i = 0; i < shape.lines; ++i) {
    float *line = scores + i * shape.count, *other = others + i * shape.others;
    float* target = targets[i] < shape.count ? line + targets[i] : other + (targets[i] - shape.count);
    float highest = highest_of(line, shape.count);
    if (shape.others > 0) highest = std::max(highest, highest_of(other, shape.others));
    const double above = static_cast<double>(highest) - static_cast<double>(*target);
    double sum = exponentials(line, shape.count, highest);
    if (shape.others > 0) sum += exponentials(other, shape.others, highest);
    losses[i] = static_cast<float>(std::log(sum) + above);
    if (!to_slopes) continue;
    scale(line, shape.count, static_cast<float>(1 / sum));
    scale(other, shape.others, static_cast<float>(1 / sum));
    *target -= 1;
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
