#pragma once

#include <cstdint>

#include "worker/kernels/cpu/vector_types.hpp"

/// For vector_kernels.cpp only: products of matrices small enough for the nearest cache.
namespace peftgrid::worker::kernels::PEFTGRID_LEVEL {

/// C[m, kLanes n..] = sum over k of a[m * a_row + k * a_column] * b[k, ...], a tile of Rows × Columns vectors.
template <int Rows, int Columns>
inline void tile(std::int64_t depth, const float* a, std::int64_t a_row, std::int64_t a_column, const float* b,
                 std::int64_t b_row, float* c, std::int64_t c_row) {
  Floats sum[Rows][Columns] = {};
  for (std::int64_t k = 0; k < depth; ++k) {
    Floats line[Columns];
    for (int n = 0; n < Columns; ++n) line[n] = load(b + k * b_row + n * kLanes);
    for (int m = 0; m < Rows; ++m) {
      const float factor = a[m * a_row + k * a_column];
      for (int n = 0; n < Columns; ++n) sum[m][n] += factor * line[n];
    }
  }
  for (int m = 0; m < Rows; ++m) {
    for (int n = 0; n < Columns; ++n) store(c + m * c_row + n * kLanes, sum[m][n]);
  }
}

template <int Columns>
inline void column_of_tiles(std::int64_t rows, std::int64_t depth, const float* a, std::int64_t a_row,
                            std::int64_t a_column, const float* b, std::int64_t b_row, float* c, std::int64_t c_row) {
  std::int64_t m = 0;
  if constexpr (Columns == 1) {  // eight sums hide the time that an addition takes; wider tiles have them anyway
    for (; m + 8 <= rows; m += 8) tile<8, 1>(depth, a + m * a_row, a_row, a_column, b, b_row, c + m * c_row, c_row);
  }
  for (; m + 4 <= rows; m += 4) tile<4, Columns>(depth, a + m * a_row, a_row, a_column, b, b_row, c + m * c_row, c_row);
  const auto last = [&](auto tile_of) {
    tile_of(depth, a + m * a_row, a_row, a_column, b, b_row, c + m * c_row, c_row);
  };
  if (rows - m == 3) last(tile<3, Columns>);
  if (rows - m == 2) last(tile<2, Columns>);
  if (rows - m == 1) last(tile<1, Columns>);
}

/// C [rows, columns] = A B; b_row and c_row at least `columns`. A is read with any strides, so its transpose costs
/// nothing.
inline void matmul(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a, std::int64_t a_row,
                   std::int64_t a_column, const float* b, std::int64_t b_row, float* c, std::int64_t c_row) {
  std::int64_t n = 0;
  if constexpr (kLanes == 16) {  // 4 × 4 sums fit the 32 registers of AVX-512 only
    for (; n + 4 * kLanes <= columns; n += 4 * kLanes) {
      column_of_tiles<4>(rows, depth, a, a_row, a_column, b + n, b_row, c + n, c_row);
    }
  }
  for (; n + 2 * kLanes <= columns; n += 2 * kLanes) {
    column_of_tiles<2>(rows, depth, a, a_row, a_column, b + n, b_row, c + n, c_row);
  }
  for (; n + kLanes <= columns; n += kLanes) {
    column_of_tiles<1>(rows, depth, a, a_row, a_column, b + n, b_row, c + n, c_row);
  }
  for (std::int64_t m = 0; n < columns && m < rows; ++m) {
    Floats sum{};
    for (std::int64_t k = 0; k < depth; ++k) sum += a[m * a_row + k * a_column] * load_part(b + k * b_row, n, columns);
    store_part(c + m * c_row, n, columns, sum);
  }
}

}  // namespace peftgrid::worker::kernels::PEFTGRID_LEVEL
