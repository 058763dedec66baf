#include "orchestrator/report/kept.hpp"

#include <algorithm>

namespace peftgrid::orchestrator {
namespace {

const ScoreCell* baseline_cell(const ScoreTable& table, std::size_t column) {
  const auto baseline = std::ranges::find(table.rows, table.rules.baseline, &MethodRow::label);
  return baseline == table.rows.end() ? nullptr : &baseline->cells[column];
}

std::optional<double> kept_of(const ScoreCell& cell, const ScoreCell& baseline, double floor) {
  if (&baseline == &cell) return 1;
  if (!cell.verdict.against) return std::nullopt;
  return 1 + cell.verdict.against->comparison.difference / (baseline.summary.mean - floor);
}

}  // namespace

std::optional<double> share_kept(const ScoreTable& table, std::size_t column, const ScoreCell& cell) {
  const ScoreCell* baseline = baseline_cell(table, column);
  if (table.columns[column].lower_is_better) return std::nullopt;  // less of an error is no share of it
  if (baseline == nullptr || !baseline->interval || baseline->interval->low <= 0) return std::nullopt;
  return kept_of(cell, *baseline, 0);
}

std::optional<double> gain_kept(const ScoreTable& table, std::size_t column, const ScoreCell& cell) {
  const ScoreCell* baseline = baseline_cell(table, column);
  if (baseline == nullptr || !baseline->over_majority || baseline->over_majority->low <= 0) return std::nullopt;
  return kept_of(cell, *baseline, *table.columns[column].majority);
}

}  // namespace peftgrid::orchestrator
