#pragma once

#include <immintrin.h>

#include "worker/kernels/cpu/buffer.hpp"
#include "worker/kernels/cpu/tile_product.hpp"

/// For tile_product.cpp only: how a factor's floats become tiles of bf16 parts.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

inline constexpr std::int64_t kSide = 16;              // lines of a tile
inline constexpr std::int64_t kDepth = 32;             // bf16 numbers of a tile's line
inline constexpr std::int64_t kTile = kSide * kDepth;  // 1 KiB
inline constexpr std::int64_t kParts = 3;
inline constexpr std::int64_t kBlock = kTileLines;  // lines of each factor that are multiplied at once
static_assert(kSide == kLanes && kBlock == 2 * kSide);

inline std::int64_t pieces(std::int64_t whole, std::int64_t part) {
  return (whole + part - 1) / part;
}

inline __mmask16 first_lanes(std::int64_t count) {
  return count >= kSide ? __mmask16(0xFFFF) : count <= 0 ? __mmask16(0) : static_cast<__mmask16>((1U << count) - 1);
}

/// The nearest float with 8 bits (halves away from 0), which is one of bf16.
inline __m512 rounded(__m512 x) {
  const __m512i bits = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

/// The parts of 32 floats as bf16 numbers: those of `low` and of `high` one behind the other, or by turns.
inline void split(__m512 low, __m512 high, __m512i order, __m512i* parts, std::int64_t apart) {
  for (std::int64_t i = 0;; ++i) {
    const __m512 first = i + 1 == kParts ? low : rounded(low), second = i + 1 == kParts ? high : rounded(high);
    parts[i * apart] = _mm512_permutex2var_epi16(_mm512_castps_si512(first), order, _mm512_castps_si512(second));
    if (i + 1 == kParts) return;
    low = _mm512_sub_ps(low, first);
    high = _mm512_sub_ps(high, second);
  }
}

/// A square of 16 x 16 of a matrix whose numbers lie one behind the other along its lines; zeros where `lines` or
/// `width` end.
inline void read_square(const float* from, std::int64_t stride, std::int64_t lines, std::int64_t width,
                        Floats (&square)[kSide]) {
  const __mmask16 mask = first_lanes(width);
  for (std::int64_t i = 0; i < kSide; ++i)
    square[i] = _mm512_maskz_loadu_ps(i < lines ? mask : __mmask16(0), from + i * stride);
}

/// The three tiles of 16 lines and 32 depths of a factor, `lines` and `depth` of which are there. A tile of the left
/// factor has its lines, one of the right factor pairs of depths of all lines.
inline void pack_tile(const Factor& factor, bool left, const float* from, std::int64_t lines, std::int64_t depth,
                      std::uint16_t* tiles) {
  const __m512i in_turn = _mm512_set_epi16(63, 31, 61, 29, 59, 27, 57, 25, 55, 23, 53, 21, 51, 19, 49, 17, 47, 15, 45,
                                           13, 43, 11, 41, 9, 39, 7, 37, 5, 35, 3, 33, 1);
  const __m512i behind = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                          25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  Floats near[kSide], far[kSide];  // depths 0 to 15, 16 to 31
  const bool by_line = factor.depth_stride == 1;
  if (by_line) {
    read_square(from, factor.line_stride, lines, depth, near);
    read_square(from + kSide, factor.line_stride, lines, depth - kSide, far);
  } else {
    read_square(from, factor.depth_stride, depth, lines, near);
    read_square(from + kSide * factor.depth_stride, factor.depth_stride, depth - kSide, lines, far);
  }
  if (by_line != left) {
    turn(near);
    turn(far);
  }
  auto* out = reinterpret_cast<__m512i*>(tiles);
  for (std::int64_t i = 0; i < kSide; ++i, ++out) {
    if (left) {
      split(near[i], far[i], behind, out, kSide);
    } else {
      const Floats* pair = i < kSide / 2 ? near + 2 * i : far + (2 * i - kSide);
      split(pair[0], pair[1], in_turn, out, kSide);
    }
  }
}

/// Writes lines of a factor as tiles, up to a whole block of them: [16 lines][32 depths][part]. Reads along what lies
/// side by side.
inline void pack(const Factor& factor, bool left, std::int64_t line, std::int64_t lines, std::int64_t at,
                 std::int64_t depth, std::uint16_t* tiles) {
  const std::int64_t squares = pieces(lines, kBlock) * (kBlock / kSide), deep = pieces(depth, kDepth);
  const auto pack_at = [&](std::int64_t i, std::int64_t k) {
    const std::int64_t first = line + i * kSide, from = at + k * kDepth;
    pack_tile(factor, left, factor.data + first * factor.line_stride + from * factor.depth_stride, factor.lines - first,
              at + depth - from, tiles + (i * deep + k) * kParts * kTile);
  };
  if (factor.depth_stride == 1) {
    for (std::int64_t i = 0; i < squares; ++i) {
      for (std::int64_t k = 0; k < deep; ++k) pack_at(i, k);
    }
  } else {
    for (std::int64_t k = 0; k < deep; ++k) {
      for (std::int64_t i = 0; i < squares; ++i) pack_at(i, k);
    }
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
