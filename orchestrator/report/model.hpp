#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/sources.hpp"
#include "orchestrator/report/statistics.hpp"

/// Everything that a report says, as plain data: the writers of Markdown, CSV, LaTeX, HTML and plots only format it.
namespace peftgrid::orchestrator {

/// A column of a table: one test set of one task under one metric.
struct ScoreColumn {
  std::string task, test, metric;
  std::string heading;  // "mrpc", "mnli mismatched"
  bool regression = false;
  bool main = true;  // the task's first test set: the one that averages and sentences use
  bool test_is_dev = false;
  std::size_t rows = 0;
  std::optional<double> majority;        // score of the most frequent class
  std::optional<double> sampling_error;  // of one score on this test set
  bool bootstrapped = false;             // how the error was found
};

struct ScoreCell {
  enum class State {
    Empty,     // nothing planned, nothing stored
    Scored,    // at least one seed has a score
    Missing,   // planned, not there yet
    Failed,    // every seed that is not there failed
    Hole,      // cannot be run, with the reason
    Diverged,  // every seed diverged
    Undefined  // the metric is undefined for every seed
  };
  State state = State::Empty;
  BySeed scores;
  Summary summary;
  std::size_t planned = 0;    // seeds the grid asks for; without a grid, those that are stored
  std::size_t diverged = 0;   // of the stored seeds
  std::size_t undefined = 0;  // of the stored seeds: the metric is, since the predictions or the labels do not vary
  std::size_t mute = 0;       // of the stored seeds of a regression: predictions that do not vary, undefined or not
  std::size_t collapsed = 0;  // of the scored seeds: predict one class, or in a regression one value
  bool best = false, tied = false;
  std::vector<std::size_t> notes;  // indices into ScoreTable::notes
  /// May be called better or worse than others: not where a seed diverged, nor where no seed of a regression says
  /// anything.
  bool comparable() const {
    return state == State::Scored && diverged == 0 && (mute == 0 || mute < summary.n + undefined);
  }
  bool complete() const { return state == State::Scored && summary.n == planned; }
};

/// What a method costs, over all its stored trials of one table.
struct MethodCosts {
  std::vector<double> learning_rates;
  std::int64_t parameters_low = 0, parameters_high = 0;  // without the head
  std::int64_t with_head_low = 0, with_head_high = 0;
  std::int64_t stored_low = 0, stored_high = 0;  // numbers that a trial kept, the head's left out
  double stored_bytes = 0, training_s = 0, rank_s = 0, inference_rows_per_s = 0;  // means
  std::int64_t peak_memory_bytes = 0;                                             // the most
  std::int64_t width_low = 0, width_high = 0;
  std::size_t trials = 0;
};

struct MethodRow {
  std::string label;
  bool is_full = false;
  std::vector<ScoreCell> cells;                       // one a column
  std::optional<Summary> average;                     // over tasks, per seed; only where all are complete
  BySeed averages;                                    // behind `average`
  bool average_marked = false;                        // the best, or not to be told apart from it
  std::vector<std::optional<Estimate>> against_full;  // one a column; nothing where no seed is shared
  MethodCosts costs;
};

/// On each task the best of some methods, by their means: chosen on what is reported, so an upper bound and no method.
struct UpperBound {
  std::string label;                          // "max(pfeiffer, prefix)"
  std::vector<std::optional<double>> scores;  // one a column; nothing where one of them has none
  std::optional<double> average;              // over tasks
};

struct ScoreTable {
  std::string backbone;
  std::int64_t train_size = 0;  // 0: all
  std::string heading;          // "minilm, 500 training rows"
  std::vector<ScoreColumn> columns;
  std::vector<MethodRow> rows;
  std::vector<UpperBound> bounds;
  bool chosen_on_reported = false;  // some trial's best step was chosen on the rows that are reported: no verdict
  std::string baseline;             // the row that differences are taken to; empty: there is no full fine-tuning
  bool has_average = false;
  bool oversubscribed = false;       // some trials ran with more ranks than cores
  std::vector<std::string> notes;    // footnotes of cells: reasons, warnings
  std::vector<std::string> remarks;  // about the table as a whole
  std::string sentence;              // what can and what cannot be told apart
};

struct ReportModel {
  std::string title;
  std::vector<ScoreTable> tables;
  std::vector<std::string> remarks;  // about the whole: CPU types, earlier grids, conflicts, unreadable files
  std::vector<StoredTrial> trials;   // the current ones, sorted by id: for trials.csv
};

/// Tables, comparisons and sentences out of what was found.
ReportModel build_model(Sources sources);
/// load_sources and build_model.
ReportModel build_report(const std::vector<std::filesystem::path>& sources);

}  // namespace peftgrid::orchestrator
