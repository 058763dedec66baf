#include "worker/model/examples.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>

#include "worker/kernels/index_tensor.hpp"

namespace peftgrid::worker {

Examples examples_of(const TokenizedSplit& split, std::span<const std::int64_t> rows) {
  Examples examples;
  examples.first.push_back(0);
  for (const std::int64_t row : rows) {
    for (std::int64_t s = split.first_sequence(row); s < split.first_sequence(row + 1); ++s) {
      examples.sequences.push_back({split.sequence_ids(s), split.sequence_types(s), static_cast<std::uint32_t>(s)});
      examples.first_target.push_back(split.first_target(s));
    }
    examples.first.push_back(examples.count());
    examples.row.push_back(static_cast<std::uint32_t>(row));
    examples.labels.push_back(split.label(row));
  }
  return examples;
}

at::Tensor by_row(const at::Tensor& lines, const Examples& examples, std::int64_t most, double filler) {
  if (most == 1) return lines;
  std::vector<std::int64_t> which;
  for (std::size_t row = 0; row < examples.row.size(); ++row) {
    for (std::int64_t place = 0; place < most; ++place) {
      const std::int64_t sequence = examples.first[row] + place;
      which.push_back(sequence < examples.first[row + 1] ? sequence : examples.count());
    }
  }
  const at::Tensor nothing = at::full({1, lines.size(1)}, filler, lines.options());
  const at::Tensor chosen = at::index_select(at::cat({lines, nothing}), 0, index_tensor(which, lines.device()));
  return chosen.view({examples.rows(), most * lines.size(1)});
}

at::Tensor by_sequence(const at::Tensor& rows, const Examples& examples, std::int64_t most) {
  if (most == 1) return rows;
  std::vector<std::int64_t> which;
  for (std::size_t row = 0; row < examples.row.size(); ++row) {
    for (std::int64_t s = examples.first[row]; s < examples.first[row + 1]; ++s)
      which.push_back(static_cast<std::int64_t>(row) * most + s - examples.first[row]);
  }
  return at::index_select(rows.reshape({examples.rows() * most, -1}), 0, index_tensor(which, rows.device()));
}

}  // namespace peftgrid::worker
