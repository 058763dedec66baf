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

using Two = float __attribute__((vector_size(2 * sizeof(float))));
using Four = float __attribute__((vector_size(4 * sizeof(float))));
using Eight = float __attribute__((vector_size(8 * sizeof(float))));
using Sixteen = float __attribute__((vector_size(16 * sizeof(float))));
template <typename Half, typename Whole, typename Join>
inline Half joined_halves(Whole v, Join join) {
  Half lower, upper;
  __builtin_memcpy(&lower, &v, sizeof lower);
  __builtin_memcpy(&upper, reinterpret_cast<const char*>(&v) + sizeof lower, sizeof upper);
  return join(lower, upper);
}
/// Joins the upper half of the lanes to the lower one until one is left; the compiler would do so lane by lane.
template <typename Join>
inline float joined_lanes(Four v, Join join) {
  const Two two = joined_halves<Two>(v, join);
  return join(two[0], two[1]);
}
template <typename Join>
inline float joined_lanes(Eight v, Join join) {
  return joined_lanes(joined_halves<Four>(v, join), join);
}
template <typename Join>
inline float joined_lanes(Sixteen v, Join join) {
  return joined_lanes(joined_halves<Eight>(v, join), join);
}
inline float sum_of_lanes(Floats v) {
  return joined_lanes(v, [](auto a, auto b) { return a + b; });
}
inline float highest_of_lanes(Floats v) {
  return joined_lanes(v, [](auto a, auto b) { return b > a ? b : a; });
}

inline float float_of_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Bits below the threshold drop a number.
inline std::uint32_t drop_threshold(float rate) {
  return static_cast<std::uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
