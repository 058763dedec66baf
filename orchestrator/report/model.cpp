#include "orchestrator/report/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/class_scores.hpp"
#include "orchestrator/report/columns.hpp"
#include "orchestrator/report/comparison_rules.hpp"
#include "orchestrator/report/comparisons.hpp"
#include "orchestrator/report/costs.hpp"
#include "orchestrator/report/format.hpp"
#include "orchestrator/report/outcomes.hpp"
#include "orchestrator/report/remarks.hpp"
#include "orchestrator/report/scores.hpp"
#include "orchestrator/report/sentence.hpp"
#include "orchestrator/report/upper_bounds.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr std::size_t kMostColumnsUnsaid = 10;  // more are sure to hold a wrong statement now and then

/// Index of the note with this text, added where it is new: equal reasons share one footnote.
std::size_t note(ScoreTable& table, const std::string& text) {
  const auto found = std::find(table.notes.begin(), table.notes.end(), text);
  if (found == table.notes.end()) table.notes.push_back(text);
  return static_cast<std::size_t>(
      std::distance(table.notes.begin(), std::find(table.notes.begin(), table.notes.end(), text)));
}

void add_note(ScoreTable& table, ScoreCell& cell, const std::string& text) {
  const std::size_t index = note(table, text);
  if (std::find(cell.notes.begin(), cell.notes.end(), index) == cell.notes.end()) cell.notes.push_back(index);
}

std::string of_seeds(std::size_t some, std::size_t all) {
  return fmt::format("{} of {} {}", some, all, all == 1 ? "seed" : "seeds");
}

/// Takes one stored trial into a cell: its score, or why it has none.
void take_trial(ScoreTable& table, ScoreCell& cell, const ScoreColumn& column, const StoredTrial& trial) {
  for (const std::string& warning : trial.record.warnings) add_note(table, cell, warning);
  const RunOutcome outcome = outcome_of(trial, column);
  const SeedKey seed{trial.spec.seed, trial.spec.data_seed};
  switch (outcome.kind) {
    case RunOutcome::Kind::Untested:
      return;
    case RunOutcome::Kind::Diverged:
      ++cell.diverged;
      return;
    case RunOutcome::Kind::Undefined:
      ++cell.undefined;
      return;
    case RunOutcome::Kind::Unmoved:
      ++cell.unmoved;
      break;
    case RunOutcome::Kind::Collapsed:
      ++cell.collapsed;
      break;
    case RunOutcome::Kind::Worked:
      cell.scores[seed] = outcome.score;
      break;
  }
  cell.all_scores[seed] = outcome.score;
}

/// Why a score is undefined, as far as labels and predictions show it.
std::string why_undefined(const checkpoint::TestResult& test) {
  const auto constant = [](const std::vector<double>& values) {
    return !values.empty() && std::ranges::all_of(values, [&](double value) { return value == values.front(); });
  };
  if (constant(test.labels)) return ": the labels do not vary";
  return constant(test.predictions) ? ": its predictions do not vary" : "";
}

std::map<std::string, std::size_t> undefined_by_reason(const ScoreColumn& column, const CellContents& contents) {
  std::map<std::string, std::size_t> seeds;
  for (const StoredTrial* trial : contents.stored) {
    const RunOutcome outcome = outcome_of(*trial, column);
    if (outcome.kind == RunOutcome::Kind::Undefined) ++seeds[why_undefined(*outcome.test)];
  }
  return seeds;
}

std::string how_collapsed(const ScoreColumn& column, const CellContents& contents) {
  if (column.in_logs) {
    std::int64_t vocabulary = 0;  // of the runs that say it
    for (const StoredTrial* trial : contents.stored) vocabulary = std::max(vocabulary, trial->spec.backbone.vocabulary);
    return fmt::format(" above {}, the perplexity of a guess among all tokens", grouped(vocabulary));
  }
  if (!column.regression) return " predict one class";
  return fmt::format(" predict one value (they vary by less than {:g} % of what the labels do)", 100 * kLeastSpread);
}

void explain(ScoreTable& table, ScoreCell& cell, const ScoreColumn& column, const CellContents& contents) {
  std::set<std::string> reasons;
  for (const StoredTrial* trial : contents.stored) {
    if (trial->record.state == "diverged") reasons.insert(trial->record.reason);
  }
  for (const std::string& reason : reasons) {
    add_note(table, cell, of_seeds(cell.diverged, cell.planned) + " diverged: " + reason);
  }
  for (const auto& [reason, seeds] : undefined_by_reason(column, contents))
    add_note(table, cell, column.metric + " is undefined for " + of_seeds(seeds, cell.planned) + reason);
  reasons.clear();
  for (const FailedTrial& failed : contents.failed) reasons.insert(failed.reason);
  for (const std::string& reason : reasons) {
    add_note(table, cell, of_seeds(contents.failed.size(), cell.planned) + " failed: " + reason);
  }
  const std::size_t absent =
      contents.planned.size() - std::min(contents.planned.size(), contents.stored.size() + contents.failed.size());
  if (absent > 0) add_note(table, cell, of_seeds(absent, cell.planned) + " not there yet");
  if (cell.unmoved > 0)
    add_note(table, cell,
             of_seeds(cell.unmoved, cell.all_scores.size()) +
                 " trained nothing: a warm-up begins with the rate 0, and there was one step");
  if (cell.collapsed > 0)
    add_note(table, cell, of_seeds(cell.collapsed, cell.all_scores.size()) + how_collapsed(column, contents));
}

ScoreCell::State state_of(const ScoreCell& cell, const CellContents& contents) {
  if (!cell.all_scores.empty()) return ScoreCell::State::Scored;
  if (cell.diverged > 0) return ScoreCell::State::Diverged;
  if (cell.undefined > 0) return ScoreCell::State::Undefined;
  if (!contents.failed.empty()) return ScoreCell::State::Failed;
  return ScoreCell::State::Missing;
}

void fill_cell(ScoreTable& table, ScoreCell& cell, const ScoreColumn& column, const CellContents& contents) {
  if (!contents.hole.empty()) {
    if (cell.state != ScoreCell::State::Empty) return;
    cell.state = ScoreCell::State::Hole;
    add_note(table, cell, contents.hole);
    return;
  }
  cell.planned = contents.planned.size();
  for (const StoredTrial* trial : contents.stored) take_trial(table, cell, column, *trial);
  const std::vector<double> scores = values_of(cell.worked() ? cell.scores : cell.all_scores);
  cell.summary = column.in_logs ? summarize_logs(scores) : summarize(scores);
  cell.state = state_of(cell, contents);
  explain(table, cell, column, contents);
}

MethodRow& row_of(ScoreTable& table, const std::string& label) {
  const auto found =
      std::find_if(table.rows.begin(), table.rows.end(), [&](const MethodRow& row) { return row.label == label; });
  if (found != table.rows.end()) return *found;
  MethodRow& row = table.rows.emplace_back();
  row.label = label;
  row.is_full = worker::is_baseline({label, {}});
  row.cells.resize(table.columns.size());
  return row;
}

void add_truncations(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  for (const ScoreColumn& column : table.columns) {
    std::int64_t truncated = 0, length = 0;
    for (const CellContents* contents : cells) {
      if (contents->task != column.task || !column.main) continue;
      for (const StoredTrial* trial : contents->stored) {
        if (trial->record.truncated_rows > truncated) length = trial->spec.training.max_length;
        truncated = std::max(truncated, trial->record.truncated_rows);
      }
    }
    if (truncated > 0) {
      table.remarks.push_back(fmt::format("{}: up to {} rows were longer than {} tokens and were cut.", column.task,
                                          grouped(truncated), length));
    }
  }
}

/// Whether several seeds trained, all on the rows of one data seed.
bool one_data_seed(const std::vector<const CellContents*>& cells) {
  std::set<std::uint64_t> seeds, data_seeds;
  for (const CellContents* contents : cells) {
    for (const StoredTrial* trial : contents->stored) {
      seeds.insert(trial->spec.seed);
      data_seeds.insert(trial->spec.data_seed);
    }
  }
  return seeds.size() > 1 && data_seeds.size() == 1;
}

ScoreTable build_table(const std::string& backbone, std::int64_t size, const std::vector<const CellContents*>& cells,
                       const std::vector<StoredTrial>& trials, const std::vector<std::string>& task_order,
                       const ComparisonRules& rules, Metrics metrics) {
  ScoreTable table;
  table.backbone = backbone;
  table.train_size = size;
  table.heading = backbone + ", " + size_text(size) + (metrics == Metrics::First ? "" : ": further metrics");
  std::vector<std::string> tasks;
  for (const std::string& task : task_order) {
    const auto is_here = [&](const CellContents* cell) { return cell->task == task; };
    if (std::any_of(cells.begin(), cells.end(), is_here)) tasks.push_back(task);
  }
  table.columns = columns_of(tasks, trials, metrics);
  if (table.columns.empty()) return table;
  for (const CellContents* contents : cells) {
    MethodRow& row = row_of(table, contents->label);
    if (!contents->stored.empty()) {
      const worker::MethodSpec& method = contents->stored.front()->spec.method;
      row.is_full = worker::is_baseline(method);
      row.untrained = worker::is_untrained(method.name);
    }
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].task == contents->task) fill_cell(table, row.cells[i], table.columns[i], *contents);
    }
  }
  for (const CellContents* contents : cells) {
    for (const StoredTrial* trial : contents->stored)
      table.chosen_on_reported |= trial->spec.selection.from == "reported";
  }
  if (one_data_seed(cells))
    table.remarks.emplace_back("All seeds drew the same training rows (data_seed): other rows are not covered.");
  describe_columns(table.columns, cells, rules, metrics);
  if (metrics == Metrics::First) {
    add_truncations(table, cells);
    add_costs(table, cells);
    add_class_scores(table, cells);
  }
  add_comparisons(table, cells, rules);
  add_upper_bounds(table, cells);
  table.sentences = sentences_of(table);
  return table;
}

/// With 95 % confidence a column, one of twenty is wrong.
std::string many_columns(const ReportModel& model) {
  std::size_t compared = 0;
  for (const ScoreTable& table : model.tables) {
    compared += static_cast<std::size_t>(
        std::ranges::count_if(table.columns, [](const ScoreColumn& c) { return c.sight.has_value(); }));
  }
  if (compared <= kMostColumnsUnsaid) return "";
  return fmt::format(
      "{} columns are compared, each right with 95 % confidence: about {:.0f} of them may hold a wrong "
      "statement.",
      compared, std::ceil(static_cast<double>(compared) / 20));
}

template <typename Value>
void add_once(std::vector<Value>& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

}  // namespace

ReportModel build_model(Sources sources, const ReportOptions& options) {
  const std::vector<CellContents> cells = gather_cells(sources);
  std::vector<std::string> backbones, tasks;
  std::vector<std::int64_t> sizes;
  for (const CellContents& cell : cells) {
    add_once(backbones, cell.backbone);
    add_once(tasks, cell.task);
    add_once(sizes, cell.train_size);
  }
  // "All rows" is stored as 0 and is the largest of sizes.
  std::sort(sizes.begin(), sizes.end(), [](std::int64_t a, std::int64_t b) { return a != 0 && (b == 0 || a < b); });

  const ComparisonRules rules = rules_of(sources, cells, options);
  ReportModel model;
  for (const std::string& backbone : backbones) {
    for (const std::int64_t size : sizes) {
      std::vector<const CellContents*> here;
      for (const CellContents& cell : cells) {
        if (cell.backbone == backbone && cell.train_size == size) here.push_back(&cell);
      }
      if (here.empty()) continue;
      model.tables.push_back(build_table(backbone, size, here, sources.trials, tasks, rules, Metrics::First));
      ScoreTable further = build_table(backbone, size, here, sources.trials, tasks, rules, Metrics::Others);
      if (!further.columns.empty()) model.further.push_back(std::move(further));
    }
  }
  std::vector<std::string> runs;
  for (const RunState& state : sources.states) add_once(runs, state.run);
  if (options.all_metrics) {
    model.tables.insert(model.tables.end(), model.further.begin(), model.further.end());
    model.further.clear();
  }
  const std::string warning = many_columns(model);
  model.title = runs.empty() ? "Trials" : listed(runs);
  model.remarks = remarks_of(sources);
  if (!warning.empty()) model.remarks.push_back(warning);
  model.trials = std::move(sources.trials);
  return model;
}

ReportModel build_report(const std::vector<std::filesystem::path>& sources, const ReportOptions& options) {
  return build_model(load_sources(sources), options);
}

}  // namespace peftgrid::orchestrator
