#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/model.hpp"

/// How well each class of a test set is told from the others.
namespace peftgrid::orchestrator {

/// Fills in ScoreTable::classes: for each test set of a classification with at most kMostClasses classes, what the runs
/// that worked predicted.
void add_class_scores(ScoreTable& table, const std::vector<const CellContents*>& cells);
inline constexpr std::size_t kMostClasses = 20;

/// Methods down, classes across: F1 with precision and recall, times 100, means over seeds.
TextTable class_layout(const ClassScores& scores);
/// True classes down, predicted ones across: percent of the true class's rows.
TextTable confusion_layout(const ClassScores& scores, const ClassScores::Method& method);

}  // namespace peftgrid::orchestrator
