#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

/// For vector_kernels.cpp only: names of one instruction-set level.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// Floats of one register: wider vectors, which the compiler would have to split, cost attention six times its time.
#if defined(__AVX512F__)
inline constexpr std::int64_t kLanes = 16;
#elif defined(__AVX2__)
inline constexpr std::int64_t kLanes = 8;
#else
inline constexpr std::int64_t kLanes = 4;
#endif
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Ints = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

/// Lines of small matrices are padded to a multiple of this, at every level alike.
inline constexpr std::int64_t kPad = 16;
inline std::int64_t padded(std::int64_t n) {
  return (n + kPad - 1) / kPad * kPad;
}

inline Floats load(const float* from) {
  Floats v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
inline void store(float* to, Floats v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// The up to kLanes numbers of a line from `at` on, zeros behind its end.
inline Floats load_part(const float* line, std::int64_t at, std::int64_t width) {
  if (at + kLanes <= width) return load(line + at);
  Floats part{};
  __builtin_memcpy(&part, line + at, static_cast<std::size_t>(width - at) * sizeof(float));
  return part;
}
inline void store_part(float* line, std::int64_t at, std::int64_t width, Floats part) {
  if (at + kLanes <= width) return store(line + at, part);
  __builtin_memcpy(line + at, &part, static_cast<std::size_t>(width - at) * sizeof(float));
}

inline float sum_of_lanes(Floats v) {
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t l = 0; l < half; ++l) v[l] += v[l + half];
  }
  return v[0];
}

inline float float_of_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Bits below the threshold drop a number.
inline std::uint32_t drop_threshold(float rate) {
  return static_cast<std::uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
