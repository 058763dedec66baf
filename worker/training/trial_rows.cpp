#include "worker/training/trial_rows.hpp"

#include <numeric>
#include <utility>

#include "worker/tasks/sampling.hpp"

namespace peftgrid::worker {

Rows all_rows(const TokenizedSplit& split) {
  Rows rows(static_cast<std::size_t>(split.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Choice choose_rows(const TrialSpec& spec, const TokenizedData& data) {
  Sample drawn = sample_of(spec, data.train().rows());
  const auto whole = [&](const TokenizedSplit& split, const char* name) {
    return Choice{std::move(drawn.train), all_rows(split), &split, name};
  };
  if (spec.selection.from == "validation") return whole(data.validation(), "validation");
  if (spec.selection.from == "reported") return whole(data.tests().front(), "test 0");
  return {std::move(drawn.train), std::move(drawn.selection), &data.train(), "train"};
}

std::vector<double> labels_of(const TokenizedSplit& split, const Rows& rows) {
  std::vector<double> labels;
  labels.reserve(rows.size());
  for (const std::int64_t row : rows) labels.push_back(split.label(row));
  return labels;
}

std::set<std::int64_t> tokens_of(const TokenizedSplit& split, const Rows& rows) {
  std::set<std::int64_t> tokens{0};
  for (const std::int64_t row : rows) tokens.insert(split.ids(row).begin(), split.ids(row).end());
  return tokens;
}

}  // namespace peftgrid::worker
