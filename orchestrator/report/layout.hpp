#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// The three tables of a report as texts, before any markup: every format shows the same words and numbers.
namespace peftgrid::orchestrator {

struct TextCell {
  std::string text;
  bool strong = false;                  // a difference of which something can be said
  std::vector<std::size_t> notes = {};  // footnotes, indices into ScoreTable::notes
  bool star = false;
};
/// A score without a cell of its own, such as the majority class's.
TextCell mean_cell(const std::optional<double>& score, const Scale& scale);
/// Mean and deviation, with the number of seeds or without.
TextCell score_cell(const ScoreCell& cell, const Scale& scale, bool with_seeds);
TextCell against_cell(const std::optional<Against>& against, const Scale& scale);

struct HeaderCell {
  std::string text, detail;  // "mrpc", "f1"
};

struct TextTable {
  std::string caption;
  std::vector<HeaderCell> header;           // the first is above the methods
  std::vector<std::vector<TextCell>> rows;  // each as long as the header
  std::size_t footer_rows = 0;              // the last rows: upper bounds, majority class, test rows
};

/// Of one column with the differences to the baseline beside the scores.
TextTable score_layout(const ScoreTable& table);
/// Of several columns; no rows where there is one, or nothing that is compared.
TextTable difference_layout(const ScoreTable& table);
TextTable cost_layout(const ScoreTable& table);

/// What is said under the table of costs.
std::string cost_remark(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
