#pragma once

#include <cstdint>

#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp only: the exponential, and activations with their slopes.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// e^x for x <= 0, relative error below 2e-7: 2^n times a polynomial on [-ln2/2, ln2/2] (coefficients of 1/k!).
inline Floats exp_of_negative(Floats x) {
  const Floats lowest = Floats{} - 87.0F;
  x = x < lowest ? lowest : x;
  const Floats shifted = x * 1.44269504088896341F + 12582912.0F;  // 1.5 * 2^23 rounds to the nearest integer
  const Floats n = shifted - 12582912.0F;
  const Floats r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats p = r * (1.0F / 5040.0F) + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const Ints exponent = (__builtin_convertvector(n, Ints) + 127) << 23;
  Floats power;
  __builtin_memcpy(&power, &exponent, sizeof power);
  return p * power;
}

/// GELU (Hendrycks and Gimpel, 2016), x * P with P = (1 + erf(x / sqrt 2)) / 2, and its slope P + x * density(x). The
/// smaller tail of the normal distribution is e^(-x^2 / 2) times a polynomial in 1 / (1 + 0.35 |x| / sqrt 2), the form
/// of Abramowitz and Stegun 7.1.26 with two more terms; coefficients by a minimax fit of our own, error below 2e-8.
struct Activated {
  Floats y, slope;
};
inline Activated gelu_of(Floats x) {
  const Floats size = x < 0 ? -x : x;
  const Floats bell = exp_of_negative(x * x * -0.5F);
  const Floats t = 1.0F / (size * (0.35F * 0.70710678118654752F) + 1.0F);
  Floats p = t * -0.10208390653133392F + 0.4008074402809143F;
  p = p * t - 0.3688613772392273F;
  p = p * t + 0.37169501185417175F;
  p = p * t - 0.021108116954565048F;
  p = p * t + 0.12301130592823029F;
  p = p * t + 0.09653960913419724F;
  const Floats tail = p * t * bell;
  const Floats below = x < 0 ? tail : 1.0F - tail;
  return {x * below, below + x * bell * 0.39894228040143268F};
}

/// The approximation of the same paper, x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), and its slope. By
/// the smaller of the two tails, e / (1 + e) with e = e^(-2 |u|).
inline Activated gelu_tanh_of(Floats x) {
  constexpr float kRoot = 0.79788456080286536F, kCube = 0.044715F, kFar = 20;  // from there on it is 0 or x
  const Floats up_to_far = x > kFar ? Floats{} + kFar : x, near = up_to_far < -kFar ? Floats{} - kFar : up_to_far;
  const Floats u = near * (near * near * kCube + 1.0F) * kRoot;
  const Floats e = exp_of_negative((u < 0 ? u : -u) * 2.0F);
  const Floats whole = 1.0F / (e + 1.0F), tail = e * whole;
  const Floats below = u < 0 ? tail : whole;
  const Floats steepness = near * near * (3.0F * kCube * kRoot) + kRoot;
  return {x * below, below + near * tail * whole * 2.0F * steepness};
}

/// 1 / (1 + e^-x).
inline Floats sigmoid_of(Floats x) {
  const Floats e = exp_of_negative(x < 0 ? x : -x);
  return (x < 0 ? e : Floats{} + 1.0F) / (e + 1.0F);
}

template <Activated (*kFunction)(Floats)>
inline void activation(const float* x, float* y, float* slope, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Activated a = kFunction(load_part(x, i, count));
    store_part(y, i, count, a.y);
    if (slope != nullptr) store_part(slope, i, count, a.slope);
  }
}

inline void silu_gate(const float* gate, const float* up, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats g = load_part(gate, i, count);
    store_part(y, i, count, g * sigmoid_of(g) * load_part(up, i, count));
  }
}

inline void silu_gate_backward(const float* gate, const float* up, const float* gradient, float* gate_gradient,
                               float* up_gradient, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats g = load_part(gate, i, count), down = load_part(gradient, i, count);
    const Floats open = sigmoid_of(g);
    store_part(gate_gradient, i, count, down * load_part(up, i, count) * open * (g * (1.0F - open) + 1.0F));
    store_part(up_gradient, i, count, down * g * open);
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
