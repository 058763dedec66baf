#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "worker/tasks/tokens.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

using Rows = std::vector<std::int64_t>;

Rows all_rows(const TokenizedSplit& split);

/// Rows to train on and rows that choose the best step (of the training or the validation file).
struct Choice {
  Rows train, selection;
  const TokenizedSplit* selection_split;
  std::string selection_name;  // of that split: train | validation | test 0
};
Choice choose_rows(const TrialSpec& spec, const TokenizedData& data);

/// Labels of `rows`, in their order: class indices, or a regression's values.
std::vector<double> labels_of(const TokenizedSplit& split, const Rows& rows);

/// What the texts of `rows` hold, and the token that fills batches up.
std::set<std::int64_t> tokens_of(const TokenizedSplit& split, const Rows& rows);

}  // namespace peftgrid::worker
