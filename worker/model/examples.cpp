#include "worker/model/examples.hpp"

namespace peftgrid::worker {

Examples examples_of(const TokenizedSplit& split, std::span<const std::int64_t> rows) {
  Examples examples;
  examples.first.push_back(0);
  for (const std::int64_t row : rows) {
    for (std::int64_t s = split.first_sequence(row); s < split.first_sequence(row + 1); ++s) {
      examples.sequences.push_back({split.sequence_ids(s), split.sequence_types(s), static_cast<std::uint32_t>(s)});
      examples.answer.push_back(split.answer(s));
    }
    examples.first.push_back(examples.count());
    examples.row.push_back(static_cast<std::uint32_t>(row));
    examples.labels.push_back(split.label(row));
  }
  return examples;
}

}  // namespace peftgrid::worker
