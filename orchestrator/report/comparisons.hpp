#pragma once

#include <optional>
#include <vector>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// The comparisons of each pair of a table's rows: of row `a` with row `b` as its baseline.
class RowComparisons {
 public:
  explicit RowComparisons(std::size_t rows) : rows_(rows), all_(rows * rows) {}
  std::optional<Comparison>& at(std::size_t a, std::size_t b) { return all_[a * rows_ + b]; }
  const std::optional<Comparison>& at(std::size_t a, std::size_t b) const { return all_[a * rows_ + b]; }
  std::size_t rows() const { return rows_; }

 private:
  std::size_t rows_;
  std::vector<std::optional<Comparison>> all_;
};

/// Which rows are starred, and who is above the others. A row that is compared with no other gets no star.
void add_stars(const RowComparisons& comparisons, const std::vector<Verdict*>& verdicts);

/// Fills in what compares a table's cells and rows: who the baseline is, intervals, words, stars, averages over tasks,
/// what the design sees. Holds the test rows of one column at a time. Nothing where steps were chosen on what is
/// reported.
void add_comparisons(ScoreTable& table, const std::vector<const CellContents*>& cells, const ComparisonRules& rules);

/// Averages over the tasks that all compared methods share. `columns` has one entry for each column of the table.
void add_averages(ScoreTable& table, const std::vector<RowComparisons>& columns, std::size_t baseline);

}  // namespace peftgrid::orchestrator
