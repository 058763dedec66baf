#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"
#include "orchestrator/report/plot_script.hpp"

namespace peftgrid::orchestrator {

enum class Curve { SelectionScore, TrainingLoss };

/// One method's mean over seeds, at the evaluations that every seed has reached; diverged runs are left out.
struct LearningCurve {
  std::string label;
  std::vector<Point> points;  // epochs, and scores or losses
};
/// Of a task's methods with two evaluations or more, in the table's order. Scores are as `column` shows them; there are
/// none where nothing selects, and none of a metric that is not the task's first.
std::vector<LearningCurve> learning_curves(const ReportModel& model, const ScoreTable& table, const ScoreColumn& column,
                                           Curve curve);

}  // namespace peftgrid::orchestrator
