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

TextCell plain(std::string text) {
  return {std::move(text), false, {}};
}

TextCell score_cell(const ScoreTable& table, const ScoreCell& cell) {
  return {cell_text(cell, !equal_seeds(table)), false, cell.notes, cell.verdict.starred};
}

TextCell against_cell(const std::optional<Against>& against) {
  if (!against) return plain("–");
  return {against_text(*against), against->told_apart(), {}};
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
  const bool compared = any_against(table, 0);
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
    while (cells.size() < layout.header.size()) cells.push_back(plain(""));
    layout.rows.push_back(std::move(cells));
  };
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells.front();
    std::vector<TextCell> cells = {plain(row.label), score_cell(table, cell)};
    const bool is_baseline = row.label == table.rules.baseline;
    if (compared) {
      cells.push_back(is_baseline ? plain("") : against_cell(cell.verdict.against));
      cells.push_back(plain(keeps_text(table, cell)));
      const auto& against = cell.verdict.against;
      if (told_apart) cells.push_back(plain(against ? word_text(against->word, table.rules.margin) : ""));
    }
    fill(std::move(cells));
  }
  for (const UpperBound& bound : table.bounds)
    fill({plain(bound.label), plain(bound.scores.front() ? mean_text(*bound.scores.front()) : "–")});
  fill({plain("majority class"), plain(column.majority ? mean_text(*column.majority) : "–")});
  layout.footer_rows = 1 + table.bounds.size();
  return layout;
}

template <typename Text>
std::vector<TextCell> footer_row(const ScoreTable& table, const std::string& name, Text text) {
  std::vector<TextCell> cells = {plain(name)};
  for (const ScoreColumn& column : table.columns) cells.push_back(plain(text(column)));
  if (!table.averaged.empty()) cells.push_back(plain(""));
  return cells;
}

std::vector<TextCell> bound_row(const ScoreTable& table, const UpperBound& bound) {
  const auto text = [](const std::optional<double>& score) { return score ? mean_text(*score) : std::string("–"); };
  std::vector<TextCell> cells = {plain(bound.label)};
  for (const auto& score : bound.scores) cells.push_back(plain(text(score)));
  if (!table.averaged.empty()) cells.push_back(plain(text(bound.average)));
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
  for (const MethodRow& row : table.rows) {
    std::vector<TextCell> cells = {plain(row.label)};
    for (const ScoreCell& cell : row.cells) cells.push_back(score_cell(table, cell));
    if (!table.averaged.empty())
      cells.push_back({row.average ? mean_text(*row.average) : "–", false, {}, row.on_average.starred});
    layout.rows.push_back(std::move(cells));
  }
  for (const UpperBound& bound : table.bounds) layout.rows.push_back(bound_row(table, bound));
  layout.rows.push_back(footer_row(table, "majority class", [](const ScoreColumn& column) {
    return column.majority ? mean_text(*column.majority) : std::string("–");
  }));
  layout.rows.push_back(footer_row(table, "test rows", [](const ScoreColumn& column) {
    return column.rows > 0 ? grouped(static_cast<std::int64_t>(column.rows)) : std::string("–");
  }));
  layout.rows.push_back(footer_row(table, "one row is worth", [](const ScoreColumn& column) {
    return column.one_row ? fmt::format("{:.2g}", 100 * *column.one_row) : std::string("–");
  }));
  layout.footer_rows = 3 + table.bounds.size();
  return layout;
}

}  // namespace

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
    std::vector<TextCell> cells = {plain(row.label)};
    for (const ScoreCell& cell : row.cells) cells.push_back(against_cell(cell.verdict.against));
    if (!table.averaged.empty()) cells.push_back(against_cell(row.on_average.against));
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
         {row.label, rates_text(costs.learning_rates), range_text(costs.parameters_low, costs.parameters_high),
          range_text(costs.with_head_low, costs.with_head_high), range_text(costs.stored_low, costs.stored_high),
          bytes_text(costs.deployed_bytes), bytes_text(costs.stored_bytes), fmt::format("{:.1f}", costs.training_s),
          fmt::format("{:.1f}", costs.cpu_s), fmt::format("{:.1f}", costs.rank_s),
          range_text(costs.width_low, costs.width_high), fmt::format("{:.0f}", costs.inference_rows_per_s),
          bytes_text(static_cast<double>(costs.peak_memory_bytes))}) {
      cells.push_back({text, false, {}});
    }
    layout.rows.push_back(std::move(cells));
  }
  return layout;
}

std::string cost_remark(const ScoreTable& table) {
  std::string remark =
      table.costs_shared
          ? "Means over the trials whose task and seeds all methods have; peak memory is the most of any."
          : "The methods have no task and seed in common: means over all trials of each, which do not compare.";
  remark += " To deploy: what one would ship beside the base; of full fine-tuning all weights.";
  if (table.oversubscribed) {
    remark += " Some trials ran with more ranks than cores: their times and rows/s are those of shared cores.";
  }
  return remark;
}

}  // namespace peftgrid::orchestrator
