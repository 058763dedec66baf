#pragma once

#include <cstdint>

/// Products of fp32 matrices by the tile instructions (AMX), which multiply bf16 numbers and sum in fp32. Three bf16
/// numbers hold a float's 24 bits: x = x1 + x2 + x3, each the rest rounded. Of the nine products of two such numbers
/// the six largest are summed; the largest of the others is at most 2^-24 of the product (Henry, Tang and Heinecke,
/// 2019, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations").
namespace peftgrid::worker::kernels {

/// So many lines of the left factor are multiplied at once.
inline constexpr std::int64_t kTileLines = 32;

/// One side of a product: number k of line i is data[i * line_stride + k * depth_stride]; one of the strides is 1.
struct Factor {
  const float* data;
  std::int64_t lines, line_stride, depth_stride;
};

/// out [left.lines, right.lines] = left right^T, plus bias [right.lines] where there is one, plus what `out` holds
/// where it is added to. A line's numbers do not depend on the other lines.
struct TileProduct {
  Factor left, right;
  std::int64_t depth;
  const float* bias;  // null: none
  bool add;
  float* out;
};

/// Has this processor tiles, and may this process use them? The first call asks the system; any thread may call it.
bool has_tiles();

/// Needs has_tiles(), and a depth above 0. As exact as plain sums of fp32 products are, or more, since depths are
/// summed in blocks. Infinite numbers give NaN.
void tile_product(const TileProduct& product);

}  // namespace peftgrid::worker::kernels
