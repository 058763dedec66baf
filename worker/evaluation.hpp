#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "worker/model.hpp"
#include "worker/team.hpp"

namespace peftgrid::worker {

/// Rows in groups that are run together: like lengths side by side, at most kEvaluationTokens tokens a group. Only the
/// rows and the prompt's length enter, so that a trial's numbers are the same wherever it runs.
std::vector<std::vector<std::int64_t>> evaluation_groups(const TokenizedSplit& split,
                                                         std::span<const std::int64_t> rows, std::int64_t prompt);

/// Called between groups: throws to leave, when the run is to stop.
using Breath = std::function<void()>;

/// Collective over `team`, whose ranks share the groups; so is predict. Representations of some rows of a split, in the
/// order of `rows`: [rows, width].
at::Tensor represent(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows, const Team& team,
                     const Breath& breathe);

/// Predictions for rows, in their order: class indices, or values for regression. `fixed`: the rows' representations,
/// where the model has fixed ones; else undefined.
std::vector<double> predict(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& fixed, const Team& team, const Breath& breathe);

}  // namespace peftgrid::worker
