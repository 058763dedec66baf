#pragma once

#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// The baseline, the family and the margin of a report: what the first grid says that says something, and over it the
/// command line. Throws worker::UsageError where that names a baseline that is no method here.
ComparisonRules rules_of(const Sources& sources, const std::vector<CellContents>& cells, const ReportOptions& options);

}  // namespace peftgrid::orchestrator
