#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "worker/model/model.hpp"
#include "worker/training/team.hpp"

namespace peftgrid::worker {

/// Called between groups: throws to leave, when the run is to stop.
using CheckCancelled = std::function<void()>;

/// Collective over `team`, whose ranks share the groups; so is predict. Representations of some rows of a split, in the
/// order of `rows`: [rows, width].
at::Tensor represent(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows, const Team& team,
                     const CheckCancelled& check_cancelled);

/// The same by this rank alone and the other ranks of its node that need it: where `board` gives one for so many groups
/// of rows, each takes what no other has begun.
using MakeBoard = std::function<std::unique_ptr<FeatureBoard>(std::size_t groups)>;
FeatureMemo::Features represent_with_node(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                                          const MakeBoard& make_board, const CheckCancelled& check_cancelled);

/// Predictions for rows, in their order: class indices, or for a regression values on the labels' own scale.
/// `features`: the rows' representations, where they were computed before; else undefined. `logits`: where it is not
/// null, it becomes what the head says of the rows, [rows, outputs], of a regression in its targets' units.
std::vector<double> predict(Model& model, const TokenizedSplit& split, std::span<const std::int64_t> rows,
                            const at::Tensor& features, const Team& team, const CheckCancelled& check_cancelled,
                            at::Tensor* logits = nullptr);

}  // namespace peftgrid::worker
