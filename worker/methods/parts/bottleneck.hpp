#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// W_up act(W_down x + b_down) + b_up: what adapters put beside or behind a part of a block.
struct Bottleneck {
  at::Tensor down, down_bias, up, up_bias;

  /// x [lines, width] to [lines, width].
  at::Tensor operator()(const at::Tensor& x, const std::string& activation) const;
};

/// How a bottleneck starts: its weights; biases are 0.
struct BottleneckStart {
  enum class Draw : std::uint8_t { Normal, TruncatedNormal, KaimingThenZero };
  Draw draw = Draw::Normal;
  double deviation = 0.02;  // of the first two; the third is uniform in ±1/sqrt(width) and 0 for the way up
};

/// Makes the tensors that list_bottleneck lists; `where` and `where` + 1 tell its two weights apart.
Bottleneck make_bottleneck(const std::string& name, const MethodSetup& setup, std::uint32_t where,
                           const BottleneckStart& start, Parameters& trained);

/// The option `activation`, "model" resolved: gelu | gelu_new | relu | swish.
std::string activation_of(const MethodSetup& setup);

}  // namespace peftgrid::worker
