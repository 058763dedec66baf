#pragma once

#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Fills in what each method costs.
void add_costs(ScoreTable& table, const std::vector<const CellContents*>& cells);

/// Fills in what compares cells: sampling errors, best and tied marks, averages, differences to full fine-tuning.
void add_comparisons(ScoreTable& table, const std::vector<const CellContents*>& cells);

/// Whether two cells of a column cannot be told apart: the interval of their difference holds 0; with a single seed,
/// they are nearer than the sampling error of two scores explains.
bool within_noise(const ScoreCell& one, const ScoreCell& other, const ScoreColumn& column);

}  // namespace peftgrid::orchestrator
