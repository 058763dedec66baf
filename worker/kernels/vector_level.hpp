#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

/// For vector_kernels.cpp only: names of one instruction-set level.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

using Floats = float __attribute__((vector_size(64)));  // 16 lanes; the compiler splits it where registers are narrower
inline constexpr std::int64_t kLanes = 16;

inline std::int64_t padded(std::int64_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

inline Floats load(const float* from) {
  Floats v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
inline void store(float* to, Floats v) {
  __builtin_memcpy(to, &v, sizeof v);
}

inline float sum_of_lanes(Floats v) {
  float sum = 0;
  for (std::int64_t l = 0; l < kLanes; ++l) sum += v[l];
  return sum;
}

inline float float_of_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Bits below the threshold drop a number.
inline std::uint32_t drop_threshold(float rate) {
  return static_cast<std::uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
