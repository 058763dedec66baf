#include "orchestrator/report/learning_curves.hpp"

#include <algorithm>
#include <cmath>

namespace peftgrid::orchestrator {
namespace {

std::vector<const StoredTrial*> trials_of(const ReportModel& model, const ScoreTable& table, const ScoreColumn& column,
                                          const std::string& label) {
  std::vector<const StoredTrial*> trials;
  for (const StoredTrial& trial : model.trials) {
    const bool here = trial.label == label && trial.spec.task.name == column.task &&
                      trial.spec.backbone.name == table.backbone && trial.spec.train_size == table.train_size;
    // What selects is the first metric.
    const bool selects = !trial.spec.task.metrics.empty() && trial.spec.task.metrics.front() == column.metric;
    if (here && selects && trial.record.state != "diverged") trials.push_back(&trial);
  }
  return trials;
}

double value_of(const checkpoint::CurvePoint& point, const ScoreColumn& column, Curve curve) {
  return curve == Curve::TrainingLoss ? point.train_loss : column.scale.shown(point.selection_score);
}

}  // namespace

std::vector<LearningCurve> learning_curves(const ReportModel& model, const ScoreTable& table, const ScoreColumn& column,
                                           Curve curve) {
  std::vector<LearningCurve> curves;
  for (const MethodRow& row : table.rows) {
    const std::vector<const StoredTrial*> trials = trials_of(model, table, column, row.label);
    std::size_t shared = trials.empty() ? 0 : trials.front()->record.curve.size();
    for (const StoredTrial* trial : trials) shared = std::min(shared, trial->record.curve.size());
    LearningCurve mean{row.label, {}};
    const auto seeds = static_cast<double>(trials.size());
    for (std::size_t i = 0; i < shared; ++i) {
      double epoch = 0, value = 0;
      for (const StoredTrial* trial : trials) {
        epoch += trial->record.curve[i].epoch / seeds;
        value += value_of(trial->record.curve[i], column, curve) / seeds;
      }
      if (std::isfinite(value)) mean.points.push_back({epoch, value, value, value, true});
    }
    if (mean.points.size() > 1) curves.push_back(std::move(mean));
  }
  return curves;
}

}  // namespace peftgrid::orchestrator
