#include "worker/backbones/rotary.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>

#include <numbers>

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// Low frequencies slower by the factor, high ones as they are, those between in between (Llama 3.1; the formula of
/// transformers' modeling_rope_utils).
Tensor as_llama3(const RotaryConfig& rotary, const Tensor& inverse) {
  const auto original = static_cast<double>(rotary.original_positions);
  const Tensor wavelength = 2 * std::numbers::pi / inverse;
  const Tensor slowed = inverse / rotary.factor;
  const Tensor smooth = (original / wavelength - rotary.low_factor) / (rotary.high_factor - rotary.low_factor);
  const Tensor between = (1 - smooth) * slowed + smooth * inverse;
  const Tensor low = wavelength > original / rotary.low_factor, high = wavelength < original / rotary.high_factor;
  return at::where(low, slowed, at::where(high, inverse, between));
}

/// [pairs], in fp32.
Tensor inverse_frequencies(const RotaryConfig& rotary) {
  const Tensor exponent = at::arange(0, rotary.turned, 2, at::kFloat) / static_cast<double>(rotary.turned);
  const Tensor inverse = 1.0 / at::pow(rotary.base, exponent);
  switch (rotary.scaling) {
    case RotaryConfig::Scaling::Linear:
      return inverse / rotary.factor;
    case RotaryConfig::Scaling::Llama3:
      return as_llama3(rotary, inverse);
    case RotaryConfig::Scaling::None:
      break;
  }
  return inverse;
}

}  // namespace

Rotation rotation_at(const RotaryConfig& rotary, std::int64_t head_dim, const Tensor& positions) {
  const Tensor inverse = inverse_frequencies(rotary).to(positions.device());
  const Tensor angles = (positions.to(at::kFloat).unsqueeze(1) * inverse).to(at::kDouble);
  return {angles.cos().to(at::kFloat), angles.sin().to(at::kFloat), head_dim, rotary.interleaved};
}

}  // namespace peftgrid::worker
