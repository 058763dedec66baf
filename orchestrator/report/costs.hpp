#pragma once

#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Fills in what each method costs.
void add_costs(ScoreTable& table, const std::vector<const CellContents*>& cells);

}  // namespace peftgrid::orchestrator
