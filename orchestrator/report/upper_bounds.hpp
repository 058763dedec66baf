#pragma once

#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Where trials followed a protocol: for each method that joins others, the rows that its paper shows beside it
/// (worker::MethodInfo::upper_bounds), and a remark that says what they are. To be called when rows have their scores.
void add_upper_bounds(ScoreTable& table, const std::vector<const CellContents*>& cells);

}  // namespace peftgrid::orchestrator
