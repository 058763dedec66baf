#include "orchestrator/report/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

std::vector<HeaderCell> column_headers(const ScoreTable& table) {
  std::vector<HeaderCell> header = {{"method", ""}};
  for (const ScoreColumn& column : table.columns) header.push_back({column.heading, column.metric});
  return header;
}

std::vector<TextCell> score_row(const ScoreTable& table, const MethodRow& row) {
  std::vector<TextCell> cells = {{row.label, false, {}}};
  for (const ScoreCell& cell : row.cells) cells.push_back({cell_text(cell), cell.best || cell.tied, cell.notes});
  if (table.has_average) cells.push_back({row.average ? summary_text(*row.average) : "–", row.average_marked, {}});
  return cells;
}

std::vector<TextCell> bound_row(const ScoreTable& table, const UpperBound& bound) {
  const auto text = [](const std::optional<double>& score) { return score ? hundredfold(*score) : std::string("–"); };
  std::vector<TextCell> cells = {{bound.label, false, {}}};
  for (const auto& score : bound.scores) cells.push_back({text(score), false, {}});
  if (table.has_average) cells.push_back({text(bound.average), false, {}});
  return cells;
}

template <typename Text>
std::vector<TextCell> footer_row(const ScoreTable& table, const std::string& name, Text text) {
  std::vector<TextCell> cells = {{name, false, {}}};
  for (const ScoreColumn& column : table.columns) cells.push_back({text(column), false, {}});
  if (table.has_average) cells.push_back({"", false, {}});
  return cells;
}

}  // namespace

TextTable score_layout(const ScoreTable& table) {
  TextTable layout;
  layout.caption = "Scores: " + table.heading;
  layout.header = column_headers(table);
  if (table.has_average) layout.header.push_back({"average", "of tasks"});
  for (const MethodRow& row : table.rows) layout.rows.push_back(score_row(table, row));
  for (const UpperBound& bound : table.bounds) layout.rows.push_back(bound_row(table, bound));
  layout.rows.push_back(footer_row(table, "majority class", majority_text));
  layout.rows.push_back(footer_row(table, "sampling error", sampling_text));
  layout.footer_rows = 2 + table.bounds.size();
  return layout;
}

TextTable difference_layout(const ScoreTable& table) {
  TextTable layout;
  layout.caption = "Difference to " + table.baseline + ": " + table.heading;
  layout.header = column_headers(table);
  if (table.baseline.empty()) return layout;
  for (const MethodRow& row : table.rows) {
    const auto known = [](const auto& estimate) { return estimate.has_value(); };
    if (row.label == table.baseline || std::none_of(row.against_full.begin(), row.against_full.end(), known)) continue;
    std::vector<TextCell> cells = {{row.label, false, {}}};
    for (const auto& estimate : row.against_full) {
      const bool clear = estimate && estimate->interval && !estimate->interval->holds(0);
      cells.push_back({estimate ? estimate_text(*estimate) : "–", clear, {}});
    }
    layout.rows.push_back(std::move(cells));
  }
  return layout;
}

TextTable cost_layout(const ScoreTable& table) {
  TextTable layout;
  layout.caption = "What each method costs: " + table.heading;
  layout.header = {{"method", ""},
                   {"learning rate", ""},
                   {"trained parameters", "without head"},
                   {"trained parameters", "with head"},
                   {"stored", "without head"},
                   {"stored", "a trial"},
                   {"training", "seconds"},
                   {"in all", "rank-seconds"},
                   {"width", "ranks"},
                   {"inference", "rows/s"},
                   {"peak memory", "most"}};
  for (const MethodRow& row : table.rows) {
    const MethodCosts& costs = row.costs;
    if (costs.trials == 0) continue;
    std::vector<TextCell> cells;
    for (const std::string& text :
         {row.label, rates_text(costs.learning_rates), range_text(costs.parameters_low, costs.parameters_high),
          range_text(costs.with_head_low, costs.with_head_high), range_text(costs.stored_low, costs.stored_high),
          bytes_text(costs.stored_bytes), fmt::format("{:.1f}", costs.training_s), fmt::format("{:.1f}", costs.rank_s),
          range_text(costs.width_low, costs.width_high), fmt::format("{:.0f}", costs.inference_rows_per_s),
          bytes_text(static_cast<double>(costs.peak_memory_bytes))}) {
      cells.push_back({text, false, {}});
    }
    layout.rows.push_back(std::move(cells));
  }
  return layout;
}

std::string difference_remark(const ScoreTable& table) {
  if (table.chosen_on_reported) return "Not given: steps were chosen on the rows that are reported.";
  if (table.baseline.empty()) {
    return "There is no full fine-tuning among these trials, so no difference to it can be given: add the method "
           "`full` "
           "to the grid.";
  }
  return "Mean difference over the seeds that both have, in points, with its 95 % t interval (number of pairs). Bold: "
         "the "
         "interval leaves 0 out. The interval covers the seeds' spread, not the sampling of the test set.";
}

std::string cost_remark(const ScoreTable& table) {
  std::string remark = "Means over all stored trials of the table; peak memory is the most of any.";
  if (table.oversubscribed) {
    remark += " Some trials ran with more ranks than cores: their times and rows/s are those of shared cores.";
  }
  return remark;
}

}  // namespace peftgrid::orchestrator
