#include "orchestrator/report/comparisons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/outcomes.hpp"
#include "orchestrator/report/pseudo_values.hpp"
#include "orchestrator/report/scores.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr std::array<std::size_t, 3> kMoreSeeds = {5, 10, 20};

/// 1; -1 for errors, which are turned round wherever runs are compared, so that more is better.
double sign_of(const ScoreColumn& column) {
  return column.lower_is_better ? -1 : 1;
}

/// A run that worked, and where its predictions are; `score` is turned round where it is an error.
struct Found {
  std::size_t row = 0;
  SeedKey seed;
  double score = 0;
  const checkpoint::TestResult* test = nullptr;
};

/// The column's runs that worked on the test rows that most have; the others are named in a remark.
std::vector<Found> find_runs(ScoreTable& table, std::size_t index, const std::vector<const CellContents*>& cells) {
  const ScoreColumn& column = table.columns[index];
  const std::vector<double>* labels = compared_labels(column, cells);
  std::vector<Found> found;
  std::vector<std::string> others;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    for (const CellContents* contents : cells) {
      if (contents->label != table.rows[row].label || contents->task != column.task) continue;
      for (const StoredTrial* trial : contents->stored) {
        const RunOutcome outcome = outcome_of(*trial, column);
        if (outcome.kind != RunOutcome::Kind::Worked || !can_be_paired(*outcome.test)) continue;
        if (outcome.test->labels != *labels) {
          const std::string& label = table.rows[row].label;
          if (others.empty() || others.back() != label) others.push_back(label);
          continue;
        }
        const double score = column.in_logs ? std::log(outcome.score) : outcome.score;
        found.push_back({row, {trial->spec.seed, trial->spec.data_seed}, sign_of(column) * score, outcome.test});
      }
    }
  }
  if (!others.empty()) {
    table.remarks.push_back(fmt::format(
        "{}: runs of {} were tested on other rows{} than most and stand outside all comparisons.", column.heading,
        listed(others), column.in_logs ? ", or to other lengths, other answers or by another tokenizer," : ""));
  }
  return found;
}

/// One column's runs as products, and which row each of its methods is; the compared ones first.
struct ColumnRuns {
  std::vector<std::size_t> rows;
  std::size_t compared = 0;
  double worth = 1;
  std::optional<std::size_t> majority, untrained;  // among the column's constants
  PairedColumn column;
};

ScoredRun scored_run(const ScoreColumn& column, std::size_t method, const Found& run) {
  std::vector<double> rows = pseudo_values(column.metric, run.test->labels, run.test->predictions);
  for (double& row : rows) row *= sign_of(column);
  return {method, run.seed, run.score, std::move(rows)};
}

ColumnRuns pair_up(const ScoreTable& table, const ScoreColumn& column, const std::vector<Found>& found) {
  std::vector<std::size_t> rows;
  std::size_t compared = 0;
  for (const bool family : {true, false}) {
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      if (table.rows[row].compared == family && std::ranges::find(found, row, &Found::row) != found.end())
        rows.push_back(row);
    }
    if (family) compared = rows.size();
  }
  std::vector<ScoredRun> runs;
  for (const Found& run : found) {
    const auto method = static_cast<std::size_t>(std::distance(rows.begin(), std::ranges::find(rows, run.row)));
    runs.push_back(scored_run(column, method, run));
  }
  const std::vector<double>& labels = found.front().test->labels;
  std::vector<ScoredRun> constants;
  std::optional<std::size_t> majority, untrained;
  if (column.majority) {
    const std::vector<double> predictions(labels.size(), majority_class(labels));
    majority = constants.size();
    constants.push_back({0, {}, *column.majority, pseudo_values(column.metric, labels, predictions)});
  }
  const auto answers_as_it_is = [&](const Found& run) { return table.rows[run.row].untrained; };
  if (const auto run = std::ranges::find_if(found, answers_as_it_is); run != found.end()) {
    untrained = constants.size();
    constants.push_back(scored_run(column, 0, *run));
  }
  const double worth = row_worth(column.metric, labels);
  const std::size_t methods = rows.size();
  PairedColumn paired(std::move(runs), methods, compared, labels.size(), worth, std::move(constants));
  return {std::move(rows), compared, worth, majority, untrained, std::move(paired)};
}

Against against(const Comparison& comparison, const Pair& pair, const Comparison& alone, double margin) {
  Against result{comparison, joint_interval(comparison), joint_interval(alone), adjusted_p(comparison), pair.by_seed};
  result.word = word_of(result.joint, margin);
  return result;
}

/// 95 % of what a method's own runs score.
Interval interval_of(const ScoreColumn& column, const Pair& own, double scatter, double worth) {
  const worker::Metric& metric = *worker::find_metric(column.metric);
  if (column.in_logs) {
    const Interval logs =
        score_interval(own, scatter, metric.is_share, worth, {-std::log(metric.highest), -std::log(metric.lowest)});
    return {std::exp(-logs.high), std::exp(-logs.low)};
  }
  if (!column.lower_is_better)
    return score_interval(own, scatter, metric.is_share, worth, {metric.lowest, metric.highest});
  const Interval turned = score_interval(own, scatter, metric.is_share, worth, {-metric.highest, -metric.lowest});
  return {-turned.high, -turned.low};
}

void add_score_intervals(ScoreTable& table, std::size_t index, const ColumnRuns& runs) {
  const ScoreColumn& column = table.columns[index];
  const double scatter = runs.column.score_scatter();
  for (std::size_t method = 0; method < runs.rows.size(); ++method) {
    ScoreCell& cell = table.rows[runs.rows[method]].cells[index];
    const auto own = runs.column.alone(method);
    if (own->seeds() < 2) continue;
    const auto over = [&](std::optional<std::size_t> constant) -> std::optional<Interval> {
      if (!constant) return std::nullopt;
      return constant_interval(*runs.column.over_constant(method, *constant), scatter, runs.worth);
    };
    cell.interval = interval_of(column, *own, scatter, runs.worth);
    cell.over_majority = over(runs.majority);
    cell.over_untrained = over(runs.untrained);
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// What the comparisons with the baseline see.
std::optional<Sight> sight_of(const RowComparisons& comparisons, std::size_t baseline) {
  std::vector<const Comparison*> known;
  std::size_t most = 0;
  for (std::size_t row = 0; row < comparisons.rows(); ++row) {
    if (!comparisons.at(row, baseline)) continue;
    known.push_back(&*comparisons.at(row, baseline));
    most = std::max(most, known.back()->seeds);
  }
  if (known.empty()) return std::nullopt;
  const auto typical = [&](auto number) {
    std::vector<double> values;
    for (const Comparison* one : known) values.push_back(number(*one));
    return median(values);
  };
  Sight sight{typical([](const Comparison& one) { return sees(one); }), {}};
  for (const std::size_t seeds : kMoreSeeds) {
    if (seeds > most) sight.with_seeds.emplace_back(seeds, typical([&](const auto& one) { return sees(one, seeds); }));
  }
  return sight;
}

/// The baseline's model, or the first that there is, beside the best other one: where each has one seed.
std::optional<TwoModels> two_models(const ScoreTable& table, const std::vector<Found>& found, std::size_t baseline) {
  const auto one = std::ranges::find(found, baseline, &Found::row);
  if (one == found.end()) return std::nullopt;
  const Found* best = nullptr;
  for (const Found& run : found) {
    if (run.row == baseline || run.seed != one->seed || !table.rows[run.row].compared) continue;
    if (best == nullptr || run.score > best->score) best = &run;
  }
  if (best == nullptr) return std::nullopt;
  TwoModels models{table.rows[baseline].label, table.rows[best->row].label};
  for (std::size_t i = 0; i < one->test->labels.size(); ++i) {
    const bool right = one->test->predictions[i] == one->test->labels[i];
    const bool other = best->test->predictions[i] == best->test->labels[i];
    models.only_one += right && !other ? 1 : 0;
    models.only_other += other && !right ? 1 : 0;
  }
  return models;
}

/// Compares a column; nothing of its rows is kept.
RowComparisons compare_column(ScoreTable& table, std::size_t index, const std::vector<const CellContents*>& cells,
                              std::size_t baseline) {
  RowComparisons comparisons(table.rows.size());
  ScoreColumn& column = table.columns[index];
  if (worker::find_metric(column.metric) == nullptr) return comparisons;  // of another version's file
  const std::vector<Found> found = find_runs(table, index, cells);
  if (found.empty()) return comparisons;
  const ColumnRuns runs = pair_up(table, column, found);
  if (!column.regression) column.one_row = runs.worth / static_cast<double>(column.rows);
  for (std::size_t a = 0; a < runs.compared; ++a) {
    for (std::size_t b = 0; b < runs.compared; ++b) {
      if (a == b) continue;
      auto comparison = runs.column.compare(a, b);
      if (comparison && runs.rows[b] == baseline) {
        table.rows[runs.rows[a]].cells[index].verdict.against =
            against(*comparison, *runs.column.pair(a, b), *runs.column.compare_alone(a, b), column.margin);
      }
      comparisons.at(runs.rows[a], runs.rows[b]) = std::move(comparison);
    }
  }
  std::vector<Verdict*> verdicts;
  for (MethodRow& row : table.rows) verdicts.push_back(&row.cells[index].verdict);
  add_stars(comparisons, verdicts);
  add_score_intervals(table, index, runs);
  column.sight = sight_of(comparisons, baseline);
  if (!column.sight && !column.regression) column.models = two_models(table, found, baseline);
  return comparisons;
}

/// The row that differences are taken to; nothing where the one that was asked for is not here.
std::optional<std::size_t> baseline_of(const ScoreTable& table, const ComparisonRules& rules) {
  const auto place = [&](auto row) -> std::optional<std::size_t> {
    if (row == table.rows.end()) return std::nullopt;
    return static_cast<std::size_t>(std::distance(table.rows.begin(), row));
  };
  if (!rules.baseline.empty()) return place(std::ranges::find(table.rows, rules.baseline, &MethodRow::label));
  const auto full = std::ranges::find_if(table.rows, [](const auto& row) { return row.is_full && row.compared; });
  return place(full != table.rows.end() ? full : std::ranges::find(table.rows, true, &MethodRow::compared));
}

}  // namespace

void add_stars(const RowComparisons& comparisons, const std::vector<Verdict*>& verdicts) {
  for (std::size_t a = 0; a < verdicts.size(); ++a) {
    bool compared = false;
    for (std::size_t b = 0; b < verdicts.size(); ++b) {
      if (a == b || !comparisons.at(a, b)) continue;
      compared = true;
      if (clearly_below(*comparisons.at(a, b))) verdicts[a]->above.push_back(b);
    }
    verdicts[a]->starred = compared && verdicts[a]->above.empty();
  }
}

void add_comparisons(ScoreTable& table, const std::vector<const CellContents*>& cells, const ComparisonRules& rules) {
  table.rules = rules;
  table.rules.baseline.clear();
  if (table.chosen_on_reported) return;
  for (MethodRow& row : table.rows) {
    row.compared = rules.family.empty() || row.label == rules.baseline ||
                   std::ranges::find(rules.family, row.label) != rules.family.end();
  }
  const auto baseline = baseline_of(table, rules);
  if (!baseline) {
    table.remarks.push_back("Nothing is compared: there is no " + rules.baseline + " here.");
    return;
  }
  table.rules.baseline = table.rows[*baseline].label;
  std::vector<RowComparisons> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) columns.push_back(compare_column(table, i, cells, *baseline));
  add_averages(table, columns, *baseline);
}

}  // namespace peftgrid::orchestrator
