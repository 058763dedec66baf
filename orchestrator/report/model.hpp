#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/report/scale.hpp"
#include "orchestrator/report/sources.hpp"
#include "orchestrator/report/statistics.hpp"
#include "orchestrator/report/verdict.hpp"

/// Everything that a report says, as plain data: the writers of Markdown, CSV, LaTeX, HTML and plots only format it.
namespace peftgrid::orchestrator {

/// What a column's comparisons with the baseline find four times in five, in units of the metric: the median over them.
struct Sight {
  double sees = 0;
  std::vector<std::pair<std::size_t, double>> with_seeds;  // what more seeds would see
};

/// Where a column has one seed: on how many test rows which of two models alone is right.
struct TwoModels {
  std::string one, other;  // methods
  std::size_t only_one = 0, only_other = 0;
};

/// A column of a table: one test set of one task under one metric.
struct ScoreColumn {
  std::string task, test, metric;
  std::string heading;      // "mrpc", "mnli mismatched"
  bool regression = false;  // rows have no class, nor choices
  bool lower_is_better = false;
  bool in_logs = false;      // compared by its logarithm
  Scale scale, differences;  // of scores, and of what they differ by
  double margin = 0;         // below which a difference does not matter, in units of the metric; 0: nobody has said
  bool main = true;          // the task's first test set: the one that averages and sentences use
  bool test_is_dev = false;
  std::size_t rows = 0;
  std::optional<double> majority;  // score of the most frequent class
  std::optional<double> one_row;   // what a test row is worth at the most; nothing for correlations
  std::optional<Sight> sight;      // nothing where no method is compared
  std::optional<TwoModels> models;
};

/// A method's difference to the baseline, over the seeds that both have; positive is better, whatever the metric.
struct Against {
  Comparison comparison;
  Interval joint;  // holds together with those of all other methods of the column
  Interval alone;  // by the pair's own seeds, as if it were the only comparison
  double p_adjusted = 1;
  std::vector<double> by_seed;
  Word word = Word::NotToldApart;
  bool told_apart() const { return word != Word::NotToldApart; }
};

/// What is said of a method in a column, or on the average of tasks.
struct Verdict {
  bool starred = false;            // with 95 % confidence the best method is one of the starred
  std::vector<std::size_t> above;  // rows that are clearly above it: why it is not starred
  std::optional<Against> against;  // the baseline; nothing below two shared seeds
  /// Some comparison with another method was made: it is starred, or below one.
  bool known() const { return starred || !above.empty(); }
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
  BySeed scores;              // of the runs that worked
  BySeed all_scores;          // with those that are unmoved or predict one value
  Summary summary;            // of the runs that worked; of all that have a score where none did
  std::size_t planned = 0;    // seeds the grid asks for; without a grid, those that are stored
  std::size_t diverged = 0;   // of the stored seeds
  std::size_t undefined = 0;  // of the stored seeds: the metric is, since the predictions or the labels do not vary
  std::size_t unmoved = 0;    // of the scored seeds: nothing was trained
  std::size_t collapsed = 0;  // of the scored seeds: predict one class, or in a regression one value
  std::optional<Interval> interval;  // 95 %, of the method's score; nothing below two seeds
  // Likewise, of what it scores above the most frequent class; above the untrained model, + where it is better.
  std::optional<Interval> over_majority, over_untrained;
  Verdict verdict;
  std::vector<std::size_t> notes;  // indices into ScoreTable::notes
  /// Some run worked: it can be compared.
  bool worked() const { return !scores.empty(); }
  /// It has a score, and no comparison says anything of it.
  bool outside() const { return worked() && !verdict.known(); }
  /// Stored runs that said nothing, of all stored ones.
  std::size_t failures() const { return diverged + undefined + unmoved + collapsed; }
  std::size_t runs() const { return diverged + undefined + all_scores.size(); }
  bool complete() const { return state == State::Scored && summary.n == planned; }
};

/// The least and the most of some numbers; both 0 where there is none.
struct Range {
  std::int64_t low = 0, high = 0;
  void take(std::int64_t number, bool first) {
    low = first ? number : std::min(low, number);
    high = first ? number : std::max(high, number);
  }
};

/// What a method costs, over those of its stored trials whose task and seeds all methods of the table have; where there
/// is none, over all of its own.
struct MethodCosts {
  std::vector<double> learning_rates;
  Range parameters, with_head;  // numbers that train, without the head and with it
  Range stored;                 // numbers that a trial kept, the head's left out
  double stored_bytes = 0;      // mean, of what the trial files keep
  double deployed_bytes = 0;    // mean, of what one would deploy beside the base; of full fine-tuning all weights
  double training_s = 0, cpu_s = 0, rank_s = 0, inference_rows_per_s = 0;  // means
  std::int64_t peak_memory_bytes = 0;                                      // the most
  Range width;
  std::size_t trials = 0;
};

struct MethodRow {
  std::string label;
  bool is_full = false;
  bool untrained = false;         // one trial, whatever the seeds
  bool compared = true;           // is of the family of methods that are compared
  std::vector<ScoreCell> cells;   // one a column
  std::optional<double> average;  // over ScoreTable::averaged
  Verdict on_average;
  std::optional<Interval> elsewhere;        // difference to the baseline on tasks like these; only from six tasks on
  std::size_t behind_on = 0, ahead_on = 0;  // of the averaged tasks
  MethodCosts costs;
};

/// On each task the best of some methods, by their means: chosen on what is reported, so an upper bound and no method.
struct UpperBound {
  std::string label;                          // "max(pfeiffer, prefix)"
  std::vector<std::optional<double>> scores;  // one a column; nothing where one of them has none
  std::optional<double> average;              // over tasks
};

/// How well methods tell each class of a test set from the others: means over the runs that worked.
struct ClassScores {
  struct Method {
    std::string label;
    std::size_t seeds = 0;
    std::vector<double> f1, precision, recall;  // one a class
    std::vector<double> confusion;              // [true class, predicted class], shares of the true class's rows
  };
  std::string heading;              // of the column
  std::vector<std::string> labels;  // the classes' names, in the order of their indices
  std::vector<std::size_t> rows;    // test rows of each
  std::vector<Method> methods;
};

/// Whom methods are compared with, and how large a difference matters.
struct ComparisonRules {
  std::string baseline;                        // a label; empty: full fine-tuning, else the table's first method
  std::vector<std::string> family;             // labels of the methods that are compared; empty: all
  bool chosen_afterwards = false;              // the baseline was named when the results were there
  double margin = 0.01;                        // of scores as they are, not times 100; none of errors
  std::map<std::string, double> task_margins;  // over it: of a task's first metric, as shown
};

struct ScoreTable {
  std::string backbone;
  std::int64_t train_size = 0;  // 0: all
  std::string heading;          // "minilm, 500 training rows"
  std::vector<ScoreColumn> columns;
  std::vector<MethodRow> rows;
  std::vector<UpperBound> bounds;
  std::vector<ClassScores> classes;   // of the test sets of few classes
  bool chosen_on_reported = false;    // some trial's best step was chosen on the rows that are reported: no verdict
  ComparisonRules rules;              // `baseline` is a row's label; empty where nothing is compared
  std::vector<std::size_t> averaged;  // columns whose average is shown: those that all methods share
  std::size_t costs_shared = 0;       // costs are means over so many tasks and seeds, which all methods have that train
  bool oversubscribed = false;        // some trials ran with more ranks than cores
  std::vector<std::string> notes;     // footnotes of cells: reasons, warnings
  std::vector<std::string> remarks;   // about the table as a whole
  std::vector<std::string> sentences;  // what can and what cannot be told apart
};

struct ReportModel {
  std::string title;
  std::vector<ScoreTable> tables;
  std::vector<ScoreTable> further;   // of the tasks' other metrics: for cells.csv
  std::vector<std::string> remarks;  // about the whole: CPU types, earlier grids, conflicts, unreadable files
  std::vector<StoredTrial> trials;   // the current ones, sorted by id: for trials.csv
};

/// What the command line says of comparisons, over what the grid says.
struct ReportOptions {
  std::string baseline;          // a method's label
  std::optional<double> margin;  // in points
  bool all_metrics = false;      // tables for the tasks' other metrics too
};

/// Tables, comparisons and sentences out of what was found. Throws worker::UsageError for a baseline that is no method.
ReportModel build_model(Sources sources, const ReportOptions& options = {});
/// load_sources and build_model.
ReportModel build_report(const std::vector<std::filesystem::path>& sources, const ReportOptions& options = {});

}  // namespace peftgrid::orchestrator
