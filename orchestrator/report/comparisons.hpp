#pragma once

#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Fills in what each method costs.
void add_costs(ScoreTable& table, const std::vector<const CellContents*>& cells);

/// Fills in what compares cells: sampling errors, best and tied marks, averages, differences to full fine-tuning.
void add_comparisons(ScoreTable& table, const std::vector<const CellContents*>& cells);

/// How much seeds alone move a score of one column: pooled over its methods, since two or three seeds of one method say
/// next to nothing. No degrees of freedom where every method has a single seed.
struct SeedNoise {
  double sd = 0, degrees = 0;
};
SeedNoise seed_noise(const ScoreTable& table, std::size_t column);

/// Whether two cells of a column cannot be told apart: their means are nearer than the seeds' noise (95 %, by Student's
/// t) and the test set's sampling error together explain. Methods share the test rows: half of their sampling error is
/// taken to be common to both.
bool within_noise(const ScoreCell& one, const ScoreCell& other, const ScoreColumn& column, const SeedNoise& noise);

}  // namespace peftgrid::orchestrator
