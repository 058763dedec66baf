#include "orchestrator/report/sizes_layout.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

std::vector<std::string> methods_of(const std::vector<const ScoreTable*>& tables) {
  std::vector<std::string> methods;
  for (const ScoreTable* table : tables) {
    for (const MethodRow& row : table->rows) {
      if (std::ranges::find(methods, row.label) == methods.end()) methods.push_back(row.label);
    }
  }
  return methods;
}

const ScoreCell* cell_of(const ScoreTable& table, const std::string& method) {
  const auto row = std::ranges::find(table.rows, method, &MethodRow::label);
  return row == table.rows.end() ? nullptr : &row->cells.front();
}

/// `first_note`: of this table, among the notes of all.
TextCell score_cell(const ScoreCell* cell, const Scale& scale, std::size_t first_note) {
  if (cell == nullptr) return {"–"};
  TextCell text = score_cell(*cell, scale, true);
  for (std::size_t& note : text.notes) note += first_note;
  return text;
}

std::vector<HeaderCell> header_of(const std::vector<const ScoreTable*>& tables) {
  std::vector<HeaderCell> header = {{"method", ""}};
  for (const ScoreTable* table : tables) header.push_back({size_text(table->train_size), ""});
  return header;
}

}  // namespace

bool are_sizes_of_one_column(const std::vector<const ScoreTable*>& tables) {
  const auto like_the_first = [&](const ScoreTable* table) {
    if (table->columns.size() != 1) return false;
    const ScoreColumn &one = table->columns.front(), &first = tables.front()->columns.front();
    return one.task == first.task && one.test == first.test && one.metric == first.metric &&
           table->backbone == tables.front()->backbone;
  };
  return tables.size() > 1 && tables.front()->columns.size() == 1 && std::ranges::all_of(tables, like_the_first);
}

SizesLayout sizes_layout(const std::vector<const ScoreTable*>& tables) {
  SizesLayout layout;
  const ScoreTable& first = *tables.front();
  const ScoreColumn& column = first.columns.front();
  layout.scores.caption = first.backbone + ": " + column.heading + ", " + column.metric;
  layout.differences.caption = layout.scores.caption + ", against " + first.rules.baseline;
  layout.scores.header = layout.differences.header = header_of(tables);
  std::vector<std::size_t> first_notes;
  for (const ScoreTable* table : tables) {
    first_notes.push_back(layout.notes.size());
    layout.notes.insert(layout.notes.end(), table->notes.begin(), table->notes.end());
  }
  for (const std::string& method : methods_of(tables)) {
    std::vector<TextCell> scores = {TextCell{method}}, differences = scores;
    bool compared = false;
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const ScoreCell* cell = cell_of(*tables[i], method);
      const Scale& scale = tables[i]->columns.front().scale;
      scores.push_back(score_cell(cell, scale, first_notes[i]));
      differences.push_back(
          against_cell(cell == nullptr ? std::nullopt : cell->verdict.against, tables[i]->columns.front().differences));
      compared = compared || (cell != nullptr && cell->verdict.against);
    }
    layout.scores.rows.push_back(std::move(scores));
    if (compared) layout.differences.rows.push_back(std::move(differences));
  }
  std::vector<TextCell> majority = {TextCell{"majority class"}};
  for (const ScoreTable* table : tables)
    majority.push_back(mean_cell(table->columns.front().majority, table->columns.front().scale));
  layout.scores.rows.push_back(std::move(majority));
  layout.scores.footer_rows = 1;
  return layout;
}

}  // namespace peftgrid::orchestrator
