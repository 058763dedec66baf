#include "orchestrator/report/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/kept.hpp"

namespace peftgrid::orchestrator {
namespace {

bool single(const ScoreTable& table) {
  return table.columns.size() == 1;
}

bool any_against(const ScoreTable& table, std::size_t column) {
  return std::ranges::any_of(table.rows,
                             [&](const MethodRow& row) { return row.cells[column].verdict.against.has_value(); });
}

/// Whether all scores of the table are of one number of seeds, which then need not stand in each cell.
bool equal_seeds(const ScoreTable& table) {
  std::set<std::size_t> seeds;
  for (const MethodRow& row : table.rows) {
    for (const ScoreCell& cell : row.cells) {
      if (cell.state == ScoreCell::State::Scored) seeds.insert(cell.summary.n);
    }
  }
  return seeds.size() < 2;
}

std::string against_heading(const ScoreTable& table) {
  constexpr std::size_t kShort = 12;
  return "against " + (table.rules.baseline.size() <= kShort ? table.rules.baseline : "the baseline");
}

/// The share of the baseline's score that a method keeps, in percent; nothing where the baseline's may be 0.
std::string keeps_text(const ScoreTable& table, const ScoreCell& cell) {
  const auto kept = share_kept(table, 0, cell);
  return kept ? fmt::format("{:.0f}", 100 * *kept) : "–";
}

TextTable one_column(const ScoreTable& table) {
  const ScoreColumn& column = table.columns.front();
  const bool compared = any_against(table, 0), with_seeds = !equal_seeds(table);
  const bool told_apart = std::ranges::any_of(table.rows, [](const MethodRow& row) {
    const auto& against = row.cells.front().verdict.against;
    return against && against->told_apart();
  });
  TextTable layout;
  layout.header = {{"method", ""}, {column.heading, column.metric}};
  if (compared) {
    layout.header.push_back({against_heading(table), ""});
    layout.header.push_back({"keeps", "%"});
    if (told_apart) layout.header.push_back({"verdict", ""});
  }
  const auto fill = [&](std::vector<TextCell> cells) {
    cells.resize(layout.header.size());
    layout.rows.push_back(std::move(cells));
  };
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells.front();
    std::vector<TextCell> cells = {{row.label}, score_cell(cell, column.scale, with_seeds)};
    const bool is_baseline = row.label == table.rules.baseline;
    if (compared) {
      cells.push_back(is_baseline ? TextCell{} : against_cell(cell.verdict.against, column.differences));
      cells.push_back({keeps_text(table, cell)});
      const auto& against = cell.verdict.against;
      if (told_apart) cells.push_back({against ? word_text(against->word, column.margin, column.differences) : ""});
    }
    fill(std::move(cells));
  }
  for (const UpperBound& bound : table.bounds) fill({{bound.label}, mean_cell(bound.scores.front(), column.scale)});
  if (column.majority) fill({{"majority class"}, mean_cell(column.majority, column.scale)});
  layout.footer_rows = (column.majority ? 1 : 0) + table.bounds.size();
  return layout;
}

/// `cell_of`: what stands below a column.
template <typename CellOf>
std::vector<TextCell> footer_row(const ScoreTable& table, const std::string& name, CellOf cell_of) {
  std::vector<TextCell> cells = {TextCell{name}};
  for (const ScoreColumn& column : table.columns) cells.push_back(cell_of(column));
  if (!table.averaged.empty()) cells.emplace_back();
  return cells;
}

std::vector<TextCell> bound_row(const ScoreTable& table, const UpperBound& bound) {
  std::vector<TextCell> cells = {TextCell{bound.label}};
  for (std::size_t i = 0; i < bound.scores.size(); ++i)
    cells.push_back(mean_cell(bound.scores[i], table.columns[i].scale));
  if (!table.averaged.empty()) cells.push_back(mean_cell(bound.average, Scale()));
  return cells;
}

std::vector<HeaderCell> column_headers(const ScoreTable& table) {
  std::vector<HeaderCell> header = {{"method", ""}};
  for (const ScoreColumn& column : table.columns) header.push_back({column.heading, column.metric});
  if (!table.averaged.empty()) header.push_back({"average", fmt::format("of {} tasks", table.averaged.size())});
  return header;
}

TextTable several_columns(const ScoreTable& table) {
  TextTable layout;
  layout.header = column_headers(table);
  const bool with_seeds = !equal_seeds(table);
  for (const MethodRow& row : table.rows) {
    std::vector<TextCell> cells = {TextCell{row.label}};
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      cells.push_back(score_cell(row.cells[i], table.columns[i].scale, with_seeds));
    if (!table.averaged.empty()) {
      cells.push_back(mean_cell(row.average, Scale()));
      cells.back().star = row.on_average.starred;
    }
    layout.rows.push_back(std::move(cells));
  }
  for (const UpperBound& bound : table.bounds) layout.rows.push_back(bound_row(table, bound));
  const bool majority =
      std::ranges::any_of(table.columns, [](const auto& column) { return column.majority.has_value(); });
  if (majority) {
    layout.rows.push_back(footer_row(
        table, "majority class", [](const ScoreColumn& column) { return mean_cell(column.majority, column.scale); }));
  }
  layout.rows.push_back(footer_row(table, "test rows", [](const ScoreColumn& column) {
    return TextCell{column.rows > 0 ? grouped(static_cast<std::int64_t>(column.rows)) : "–"};
  }));
  layout.rows.push_back(footer_row(table, "one row is worth", [](const ScoreColumn& column) {
    return TextCell{column.one_row ? fmt::format("{:.2g}", column.scale.shown(*column.one_row)) : "–"};
  }));
  layout.footer_rows = (majority ? 3 : 2) + table.bounds.size();
  return layout;
}

}  // namespace

TextCell mean_cell(const std::optional<double>& score, const Scale& scale) {
  return {score ? scale.mean(*score) : "–"};
}

TextCell score_cell(const ScoreCell& cell, const Scale& scale, bool with_seeds) {
  return {cell_text(cell, scale, with_seeds), false, cell.notes, cell.verdict.starred};
}

TextCell against_cell(const std::optional<Against>& against, const Scale& scale) {
  if (!against) return {"–"};
  return {against_text(*against, scale), against->told_apart()};
}

TextTable score_layout(const ScoreTable& table) {
  TextTable layout = single(table) ? one_column(table) : several_columns(table);
  layout.caption = "Scores: " + table.heading;
  return layout;
}

TextTable difference_layout(const ScoreTable& table) {
  TextTable layout;
  layout.caption = "Against " + table.rules.baseline + ": " + table.heading;
  layout.header = column_headers(table);
  if (single(table)) return layout;
  for (const MethodRow& row : table.rows) {
    const bool known =
        std::ranges::any_of(row.cells, [](const ScoreCell& cell) { return cell.verdict.against.has_value(); });
    if (!known) continue;
    std::vector<TextCell> cells = {TextCell{row.label}};
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      cells.push_back(against_cell(row.cells[i].verdict.against, table.columns[i].differences));
    if (!table.averaged.empty()) cells.push_back(against_cell(row.on_average.against, Scale()));
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
                   {"to deploy", "with head"},
                   {"kept", "a trial"},
                   {"training", "seconds"},
                   {"processor", "seconds"},
                   {"in all", "rank-seconds"},
                   {"width", "ranks"},
                   {"inference", "rows/s"},
                   {"peak memory", "most"}};
  for (const MethodRow& row : table.rows) {
    const MethodCosts& costs = row.costs;
    if (costs.trials == 0) continue;
    std::vector<TextCell> cells;
    for (const std::string& text :
         {row.label, rates_text(costs.learning_rates), range_text(costs.parameters), range_text(costs.with_head),
          range_text(costs.stored), bytes_text(costs.deployed_bytes), bytes_text(costs.stored_bytes),
          fmt::format("{:.1f}", costs.training_s), fmt::format("{:.1f}", costs.cpu_s),
          fmt::format("{:.1f}", costs.rank_s), range_text(costs.width),
          fmt::format("{:.0f}", costs.inference_rows_per_s),
          bytes_text(static_cast<double>(costs.peak_memory_bytes))}) {
      cells.push_back({text});
    }
    layout.rows.push_back(std::move(cells));
  }
  return layout;
}

std::string cost_remark(const ScoreTable& table) {
  std::string remark =
      table.costs_shared > 0
          ? fmt::format("Means over the {} whose task and seed all {}methods have; peak memory is the most of any.",
                        table.costs_shared == 1 ? "one trial" : std::to_string(table.costs_shared) + " trials",
                        std::ranges::any_of(table.rows, &MethodRow::untrained) ? "trained " : "")
          : "The methods have no task and seed in common: means over all trials of each, which do not compare.";
  remark +=
      " To deploy: what one would ship beside the base; of full fine-tuning all weights. Inference: test rows a second "
      "of "
      "processor time, or of a GPU's.";
  if (table.oversubscribed) {
    remark +=
        " Some trials ran with more ranks than cores: their seconds, but for the processor's, are those of shared "
        "cores.";
  }
  return remark;
}

}  // namespace peftgrid::orchestrator
