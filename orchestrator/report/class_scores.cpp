#include "orchestrator/report/class_scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/outcomes.hpp"
#include "orchestrator/report/scale.hpp"

namespace peftgrid::orchestrator {
namespace {

/// Rows by true and predicted class of one run; nothing where a class is none of so many.
std::vector<double> counts_of(const checkpoint::TestResult& test, std::size_t classes) {
  std::vector<double> counts(classes * classes);
  const auto known = [&](double value) { return value >= 0 && value < static_cast<double>(classes); };
  for (std::size_t i = 0; i < test.labels.size(); ++i) {
    if (!known(test.labels[i]) || !known(test.predictions[i])) return {};
    ++counts[static_cast<std::size_t>(test.labels[i]) * classes + static_cast<std::size_t>(test.predictions[i])];
  }
  return counts;
}

double share(double some, double all) {
  return all == 0 ? 0 : some / all;
}

/// Adds one run to the sums over runs.
void take(ClassScores::Method& method, const std::vector<double>& counts) {
  const std::size_t classes = method.f1.size();
  for (std::size_t c = 0; c < classes; ++c) {
    double labelled = 0, predicted = 0;
    for (std::size_t other = 0; other < classes; ++other) {
      labelled += counts[c * classes + other];
      predicted += counts[other * classes + c];
    }
    const double both = counts[c * classes + c];
    method.f1[c] += share(2 * both, labelled + predicted);
    method.precision[c] += share(both, predicted);
    method.recall[c] += share(both, labelled);
    for (std::size_t other = 0; other < classes; ++other)
      method.confusion[c * classes + other] += share(counts[c * classes + other], labelled);
  }
  ++method.seeds;
}

ClassScores::Method method_scores(const MethodRow& row, const ScoreColumn& column, std::size_t classes,
                                  const std::vector<const CellContents*>& cells) {
  ClassScores::Method method{row.label,
                             0,
                             std::vector<double>(classes),
                             std::vector<double>(classes),
                             std::vector<double>(classes),
                             std::vector<double>(classes * classes)};
  for (const CellContents* contents : cells) {
    if (contents->label != row.label || contents->task != column.task) continue;
    for (const StoredTrial* trial : contents->stored) {
      const RunOutcome outcome = outcome_of(*trial, column);
      if (outcome.kind != RunOutcome::Kind::Worked) continue;
      const std::vector<double> counts = counts_of(*outcome.test, classes);
      if (!counts.empty()) take(method, counts);
    }
  }
  for (std::vector<double>* sums : {&method.f1, &method.precision, &method.recall, &method.confusion}) {
    for (double& sum : *sums) sum = share(sum, static_cast<double>(method.seeds));
  }
  return method;
}

/// The first trial with that test set: whose names and rows the classes have.
const StoredTrial* example_of(const ScoreColumn& column, const std::vector<const CellContents*>& cells) {
  for (const CellContents* contents : cells) {
    if (contents->task != column.task) continue;
    for (const StoredTrial* trial : contents->stored) {
      if (outcome_of(*trial, column).test != nullptr) return trial;
    }
  }
  return nullptr;
}

}  // namespace

void add_class_scores(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  for (const ScoreColumn& column : table.columns) {
    const StoredTrial* example = column.regression ? nullptr : example_of(column, cells);
    if (example == nullptr) continue;
    ClassScores scores{column.heading, example->spec.task.labels, {}, {}};
    const std::size_t classes = scores.labels.size();
    if (classes < 2 || classes > kMostClasses) continue;
    for (std::size_t c = 0; c < classes; ++c) {
      scores.rows.push_back(static_cast<std::size_t>(
          std::ranges::count(outcome_of(*example, column).test->labels, static_cast<double>(c))));
    }
    for (const MethodRow& row : table.rows) {
      ClassScores::Method method = method_scores(row, column, classes, cells);
      if (method.seeds > 0) scores.methods.push_back(std::move(method));
    }
    if (!scores.methods.empty()) table.classes.push_back(std::move(scores));
  }
}

TextTable class_layout(const ClassScores& scores) {
  TextTable layout;
  layout.caption = scores.heading + ": F1 of each class (precision / recall)";
  layout.header = {{"method", ""}};
  for (const std::string& label : scores.labels) layout.header.push_back({label, "F1 (precision / recall)"});
  const Scale points;
  for (const ClassScores::Method& method : scores.methods) {
    std::vector<TextCell> cells = {{method.label}};
    for (std::size_t c = 0; c < scores.labels.size(); ++c) {
      cells.push_back({fmt::format("{} ({} / {})", points.number(method.f1[c]), points.number(method.precision[c]),
                                   points.number(method.recall[c]))});
    }
    layout.rows.push_back(std::move(cells));
  }
  std::vector<TextCell> rows = {{"test rows"}};
  for (const std::size_t count : scores.rows) rows.push_back({grouped(static_cast<std::int64_t>(count))});
  layout.rows.push_back(std::move(rows));
  layout.footer_rows = 1;
  return layout;
}

TextTable confusion_layout(const ClassScores& scores, const ClassScores::Method& method) {
  TextTable layout;
  layout.caption = fmt::format("{}, {}: what is predicted of each class's rows, %", scores.heading, method.label);
  layout.header = {{method.label, "true class; predicted, %"}};
  const std::size_t classes = scores.labels.size();
  for (const std::string& label : scores.labels) layout.header.push_back({label, ""});
  for (std::size_t c = 0; c < classes; ++c) {
    std::vector<TextCell> cells = {{scores.labels[c]}};
    for (std::size_t other = 0; other < classes; ++other)
      cells.push_back({Scale().number(method.confusion[c * classes + other]), c == other});
    layout.rows.push_back(std::move(cells));
  }
  return layout;
}

}  // namespace peftgrid::orchestrator
