#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace peftgrid::worker {

/// Which lines of a batch are whose: `line` [n] int64 in order of the rows, `row` [n] int64: whose, `share` [n, 1]: 1
/// over the number of that row's lines.
struct RowLines {
  at::Tensor line, row, share;
  std::int64_t rows = 0;
};

/// The mean over each row's lines: x [lines, n] to [rows, n]. Adds in one order on every device.
at::Tensor row_means(const at::Tensor& x, const RowLines& of);

}  // namespace peftgrid::worker
