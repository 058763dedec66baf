#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

/// For vector_kernels.cpp and tile_product.cpp only: names of one instruction-set level.
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

/// 0, 1, 2, ...: read whole, for a vector that is filled lane by lane has to wait for its lanes.
inline Ints lane_numbers() {
  static constexpr std::int32_t kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Ints lanes;
  __builtin_memcpy(&lanes, kNumbers, sizeof lanes);
  return lanes;
}

/// v in the lanes that lie before `count` where v begins at `at`; `otherwise` behind.
inline Floats before(std::int64_t count, std::int64_t at, Floats v, float otherwise) {
  return lane_numbers() < static_cast<std::int32_t>(count - at) ? v : Floats{} + otherwise;
}

using Two = float __attribute__((vector_size(2 * sizeof(float))));
using Four = float __attribute__((vector_size(4 * sizeof(float))));
using Eight = float __attribute__((vector_size(8 * sizeof(float))));
using Sixteen = float __attribute__((vector_size(16 * sizeof(float))));
/// Joins the upper half of the lanes to the lower one until one is left; the compiler would do so lane by lane. By
/// shuffles: a vector whose address is taken would live in memory, and so would every sum in a loop before it.
template <typename Join>
inline float joined_lanes(Four v, Join join) {
  const Two two = join(__builtin_shufflevector(v, v, 0, 1), __builtin_shufflevector(v, v, 2, 3));
  return join(two[0], two[1]);
}
template <typename Join>
inline float joined_lanes(Eight v, Join join) {
  return joined_lanes(join(__builtin_shufflevector(v, v, 0, 1, 2, 3), __builtin_shufflevector(v, v, 4, 5, 6, 7)), join);
}
template <typename Join>
inline float joined_lanes(Sixteen v, Join join) {
  return joined_lanes(join(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                           __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)),
                      join);
}

/// a[0] b[0] a[1] b[1] ... of the lower halves, and of the upper ones.
inline Four lower_interleaved(Four a, Four b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
inline Four upper_interleaved(Four a, Four b) {
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
inline Eight lower_interleaved(Eight a, Eight b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
inline Eight upper_interleaved(Eight a, Eight b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
inline Sixteen lower_interleaved(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline Sixteen upper_interleaved(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
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
