#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/batch.hpp"
#include "worker/tasks/tokens.hpp"

namespace peftgrid::worker {

/// Some rows as a pass takes them: each is one sequence of tokens, or several.
struct Examples {
  std::vector<RowTokens> sequences;        // row by row
  std::vector<std::int32_t> first_target;  // [sequences]: where the tokens begin that are predicted
  std::vector<std::int64_t> first;         // [rows + 1]: each row's first sequence, and the end
  std::vector<std::uint32_t> row;          // [rows]: their numbers, by which dropout draws
  std::vector<double> labels;              // [rows]

  std::int64_t rows() const { return static_cast<std::int64_t>(row.size()); }
  std::int64_t count() const { return static_cast<std::int64_t>(sequences.size()); }
};

/// Rows of a split, whose memory they point into. Each sequence draws dropout of its own.
Examples examples_of(const TokenizedSplit& split, std::span<const std::int64_t> rows);

/// Lines of sequences, [sequences, d], as a line a row, [rows, most * d]; `filler` where a row has fewer than `most`.
at::Tensor by_row(const at::Tensor& lines, const Examples& examples, std::int64_t most, double filler);
/// And back: [rows, most * d] to [sequences, d].
at::Tensor by_sequence(const at::Tensor& rows, const Examples& examples, std::int64_t most);

}  // namespace peftgrid::worker
