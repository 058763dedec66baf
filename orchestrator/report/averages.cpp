#include <algorithm>
#include <cmath>

#include "orchestrator/report/comparisons.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr std::size_t kFewestTasksForOthers = 6;

/// Main columns of scores, errors left out, on which every compared method that trains and has a score anywhere
/// has one.
std::vector<std::size_t> shared_columns(const ScoreTable& table) {
  const auto takes_part = [&](const MethodRow& row) {
    return row.compared && !row.untrained && std::ranges::any_of(row.cells, &ScoreCell::worked);
  };
  std::vector<std::size_t> shared;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto lacks_it = [&](const MethodRow& row) { return takes_part(row) && !row.cells[i].worked(); };
    const ScoreColumn& column = table.columns[i];
    if (column.main && !column.metric.empty() && column.scale.in_points() && std::ranges::none_of(table.rows, lacks_it))
      shared.push_back(i);
  }
  return shared;
}

std::optional<double> mean_score(const MethodRow& row, const std::vector<std::size_t>& columns) {
  double sum = 0;
  for (const std::size_t i : columns) {
    if (!row.cells[i].worked()) return std::nullopt;
    sum += row.cells[i].summary.mean;
  }
  return sum / static_cast<double>(columns.size());
}

/// Mean of the tasks' differences; their errors are independent.
std::optional<Comparison> mean_comparison(const std::vector<RowComparisons>& columns,
                                          const std::vector<std::size_t>& averaged, std::size_t a, std::size_t b) {
  const auto tasks = static_cast<double>(averaged.size());
  Comparison mean;
  double sum = 0, bottom = 0;
  for (const std::size_t i : averaged) {
    const auto& one = columns[i].at(a, b);
    if (!one) return std::nullopt;
    mean.difference += one->difference / tasks;
    mean.rows += one->rows;
    mean.seeds = mean.seeds == 0 ? one->seeds : std::min(mean.seeds, one->seeds);
    sum += one->variance;
    bottom += one->variance * one->variance / one->degrees;
  }
  mean.variance = sum / (tasks * tasks);
  mean.degrees = bottom == 0 ? INFINITY : sum * sum / bottom;
  return mean;
}

RowComparisons mean_comparisons(const ScoreTable& table, const std::vector<RowComparisons>& columns) {
  const std::size_t rows = table.rows.size();
  RowComparisons means(rows);
  for (std::size_t b = 0; b < rows; ++b) {
    std::size_t comparisons = 0;
    for (std::size_t a = 0; a < rows; ++a) {
      if (a != b) means.at(a, b) = mean_comparison(columns, table.averaged, a, b);
      comparisons += means.at(a, b) ? 1 : 0;
    }
    for (std::size_t a = 0; a < rows; ++a) {
      if (means.at(a, b)) means.at(a, b)->comparisons = comparisons;
    }
  }
  return means;
}

/// t interval over the tasks' differences: tasks as a sample of tasks like these.
std::optional<Interval> on_other_tasks(const ScoreTable& table, const MethodRow& row, std::size_t comparisons) {
  if (table.averaged.size() < kFewestTasksForOthers) return std::nullopt;
  std::vector<double> differences;
  for (const std::size_t i : table.averaged) differences.push_back(row.cells[i].verdict.against->comparison.difference);
  const Summary summary = summarize(differences);
  const auto tasks = static_cast<double>(summary.n);
  const double half =
      t_quantile(1 - 0.05 / (2 * static_cast<double>(comparisons)), tasks - 1) * *summary.sd / std::sqrt(tasks);
  return Interval{summary.mean - half, summary.mean + half};
}

void add_against(ScoreTable& table, MethodRow& row, const Comparison& comparison) {
  Comparison alone = comparison;
  alone.comparisons = 1;
  Against against{comparison, joint_interval(comparison), joint_interval(alone), adjusted_p(comparison), {}};
  against.word = word_of(against.joint, table.rules.margin);
  row.on_average.against = against;
  for (const std::size_t i : table.averaged) {
    const Interval& joint = row.cells[i].verdict.against->joint;
    row.behind_on += joint.high < 0 ? 1 : 0;
    row.ahead_on += joint.low > 0 ? 1 : 0;
  }
  row.elsewhere = on_other_tasks(table, row, comparison.comparisons);
}

}  // namespace

void add_averages(ScoreTable& table, const std::vector<RowComparisons>& columns, std::size_t baseline) {
  table.averaged = shared_columns(table);
  if (table.averaged.size() < 2) {
    table.averaged.clear();
    return;
  }
  for (MethodRow& row : table.rows) row.average = mean_score(row, table.averaged);
  const RowComparisons means = mean_comparisons(table, columns);
  std::vector<Verdict*> verdicts;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    verdicts.push_back(&table.rows[row].on_average);
    if (const auto& comparison = means.at(row, baseline)) add_against(table, table.rows[row], *comparison);
  }
  add_stars(means, verdicts);
}

}  // namespace peftgrid::orchestrator
