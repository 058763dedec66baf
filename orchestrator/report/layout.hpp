#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// The three tables of a report as texts, before any markup: every format shows the same words and numbers.
namespace peftgrid::orchestrator {

struct TextCell {
  std::string text;
  bool strong = false;             // marked as best, or as not to be told apart from it
  std::vector<std::size_t> notes;  // footnotes, indices into ScoreTable::notes
};

struct HeaderCell {
  std::string text, detail;  // "mrpc", "f1"
};

struct TextTable {
  std::string caption;
  std::vector<HeaderCell> header;           // the first is above the methods
  std::vector<std::vector<TextCell>> rows;  // each as long as the header
  std::size_t footer_rows = 0;              // the last rows: majority class and sampling error
};

TextTable score_layout(const ScoreTable& table);
/// No rows where there is no full fine-tuning to compare with.
TextTable difference_layout(const ScoreTable& table);
TextTable cost_layout(const ScoreTable& table);

/// What is said under the table of differences and that of costs.
std::string difference_remark(const ScoreTable& table);
std::string cost_remark(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
