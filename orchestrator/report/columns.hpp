#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// Which of a task's metrics: the first one, which is tabulated, or the others.
enum class Metrics { First, Others };

/// The columns of a table whose tasks come in this order. Of first metrics, a task without any trial yet has a column
/// without a metric.
std::vector<ScoreColumn> columns_of(const std::vector<std::string>& tasks, const std::vector<StoredTrial>& trials,
                                    Metrics metrics);

/// Fills in the number of test rows, what the majority class scores, which difference matters and how numbers are
/// written.
void describe_columns(std::vector<ScoreColumn>& columns, const std::vector<const CellContents*>& cells,
                      const ComparisonRules& rules, Metrics metrics);

}  // namespace peftgrid::orchestrator
