#include "orchestrator/report/columns.hpp"

#include <algorithm>

#include "orchestrator/report/outcomes.hpp"
#include "orchestrator/report/scores.hpp"
#include "worker/catalogue.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {
namespace {

using Columns = std::vector<ScoreColumn>;

void add_column(Columns& columns, const worker::TaskSpec& task, std::size_t test, const std::string& metric) {
  ScoreColumn column;
  column.task = task.name;
  column.test = task.tests[test].name;
  column.metric = metric;
  const auto same = [&](const ScoreColumn& other) {
    return other.task == column.task && other.test == column.test && other.metric == metric;
  };
  if (std::ranges::any_of(columns, same)) return;
  column.heading = task.tests.size() > 1 ? task.name + " " + column.test : task.name;
  using Labels = worker::KindInfo::Labels;
  column.regression = worker::label_form(task) == Labels::Values || worker::label_form(task) == Labels::Tokens;
  const worker::Metric* known = worker::find_metric(metric);
  column.lower_is_better = known != nullptr && known->lower_is_better;
  column.in_logs = known != nullptr && known->in_logs;
  column.main = test == 0;
  column.test_is_dev = task.test_is_dev;
  columns.push_back(std::move(column));
}

/// Adds the columns that this trial has something to say in.
void add_columns(Columns& columns, const StoredTrial& trial, Metrics metrics) {
  const worker::TaskSpec& task = trial.spec.task;
  for (std::size_t metric = 0; metric < task.metrics.size(); ++metric) {
    if ((metric == 0) != (metrics == Metrics::First)) continue;
    for (std::size_t test = 0; test < task.tests.size(); ++test) add_column(columns, task, test, task.metrics[metric]);
  }
}

/// The median over trials; 0 where none has a score.
double usual_score(const ScoreColumn& column, const std::vector<const CellContents*>& cells) {
  std::vector<double> scores;
  for (const CellContents* contents : cells) {
    if (contents->task != column.task) continue;
    for (const StoredTrial* trial : contents->stored) {
      const RunOutcome outcome = outcome_of(*trial, column);
      if (outcome.test != nullptr && outcome.kind != RunOutcome::Kind::Undefined) scores.push_back(outcome.score);
    }
  }
  if (scores.empty()) return 0;
  const auto middle = scores.begin() + static_cast<std::ptrdiff_t>(scores.size() / 2);
  std::ranges::nth_element(scores, middle);
  return *middle;
}

/// A task's own is of its first metric, and as shown.
double margin_of(const ScoreColumn& column, const ComparisonRules& rules, Metrics metrics) {
  const auto own = rules.task_margins.find(column.task);
  if (metrics == Metrics::First && own != rules.task_margins.end()) return own->second / column.differences.shown(1);
  return column.scale.in_points() ? rules.margin : 0;
}

}  // namespace

Columns columns_of(const std::vector<std::string>& tasks, const std::vector<StoredTrial>& trials, Metrics metrics) {
  Columns columns;
  for (const std::string& task : tasks) {
    const std::size_t before = columns.size();
    for (const StoredTrial& trial : trials) {
      if (trial.spec.task.name == task) add_columns(columns, trial, metrics);
    }
    if (columns.size() > before || metrics == Metrics::Others) continue;
    ScoreColumn unknown;
    unknown.task = unknown.heading = task;
    columns.push_back(std::move(unknown));
  }
  return columns;
}

void describe_columns(Columns& columns, const std::vector<const CellContents*>& cells, const ComparisonRules& rules,
                      Metrics metrics) {
  for (ScoreColumn& column : columns) {
    if (column.lower_is_better) column.scale = Scale::units(usual_score(column, cells));
    column.differences = column.in_logs ? Scale::nats() : column.scale;
    column.margin = margin_of(column, rules, metrics);
    const std::vector<double>* labels = compared_labels(column, cells);
    if (labels == nullptr) continue;
    column.rows = labels->size();
    if (!column.regression) column.majority = majority_score(column.metric, *labels);
  }
}

}  // namespace peftgrid::orchestrator
