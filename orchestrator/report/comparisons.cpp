#include "orchestrator/report/comparisons.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "orchestrator/report/scores.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr double kNormalQuantile = 1.959963984540054;  // 97.5 %

/// The row with the highest mean of a column; nullptr where none may be best.
MethodRow* best_row(ScoreTable& table, std::size_t column) {
  MethodRow* best = nullptr;
  for (MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    if (cell.comparable() && (best == nullptr || cell.summary.mean > best->cells[column].summary.mean)) best = &row;
  }
  return best;
}

/// Predictions behind a cell of a column, one set a scored trial.
std::vector<const checkpoint::TestResult*> predictions_of(const ScoreColumn& column, const std::string& label,
                                                          const std::vector<const CellContents*>& cells) {
  std::vector<const checkpoint::TestResult*> found;
  for (const CellContents* contents : cells) {
    if (contents->task != column.task || contents->label != label) continue;
    for (const StoredTrial* trial : contents->stored) {
      for (const auto& test : trial->record.tests) {
        if (test.name == column.test && trial->record.state != "diverged") found.push_back(&test);
      }
    }
  }
  return found;
}

void add_sampling_error(ScoreColumn& column, const MethodRow& best, std::size_t index,
                        const std::vector<const CellContents*>& cells) {
  if (column.metric == "accuracy") {
    column.sampling_error = binomial_error(std::clamp(best.cells[index].summary.mean, 0.0, 1.0), column.rows);
    return;
  }
  double sum = 0, count = 0;
  for (const checkpoint::TestResult* test : predictions_of(column, best.label, cells)) {
    const auto error = bootstrap_error(
        test->labels, test->predictions,
        [&](const auto& labels, const auto& predictions) { return score(column.metric, labels, predictions); });
    if (!error) continue;
    sum += *error;
    ++count;
  }
  if (count == 0) return;
  column.bootstrapped = true;
  column.sampling_error = sum / count;
}

void mark_column(ScoreTable& table, std::size_t index, const std::vector<const CellContents*>& cells) {
  MethodRow* best = best_row(table, index);
  if (best == nullptr) return;
  add_sampling_error(table.columns[index], *best, index, cells);
  best->cells[index].best = true;
  const SeedNoise noise = seed_noise(table, index);
  for (MethodRow& row : table.rows) {
    ScoreCell& cell = row.cells[index];
    cell.tied = !cell.best && cell.comparable() && within_noise(cell, best->cells[index], table.columns[index], noise);
  }
}

/// Mean over tasks for each seed; empty unless every task is complete, says something and has the same seeds.
BySeed averages_of(const ScoreTable& table, const MethodRow& row) {
  BySeed sums;
  double tasks = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].main) continue;
    const ScoreCell& cell = row.cells[i];
    if (!cell.complete() || !cell.comparable()) return {};
    for (const auto& [seed, value] : cell.scores) {
      if (tasks > 0 && !sums.contains(seed)) return {};
      sums[seed] += value;
    }
    if (sums.size() != cell.scores.size()) return {};
    ++tasks;
  }
  if (tasks < 2) return {};
  for (auto& [seed, sum] : sums) sum /= tasks;
  return sums;
}

void add_averages(ScoreTable& table) {
  const MethodRow* best = nullptr;
  for (MethodRow& row : table.rows) {
    row.averages = averages_of(table, row);
    if (row.averages.empty()) continue;
    row.average = summarize(values_of(row.averages));
    if (best == nullptr || row.average->mean > best->average->mean) best = &row;
  }
  table.has_average = best != nullptr;
  for (MethodRow& row : table.rows) {
    if (!row.average) continue;
    const auto interval = best_difference(row.averages, best->averages).interval;
    row.average_marked = &row == best || (interval && interval->holds(0));
  }
}

void add_differences(ScoreTable& table) {
  const auto full =
      std::find_if(table.rows.begin(), table.rows.end(), [](const MethodRow& row) { return row.is_full; });
  if (full == table.rows.end()) return;
  table.baseline = full->label;
  for (MethodRow& row : table.rows) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      row.against_full.push_back(paired_difference(row.cells[i].scores, full->cells[i].scores));
    }
  }
}

/// Numbers that a trial file holds of its method; its head's tensors stand last.
std::int64_t stored_numbers(const checkpoint::TrialRecord& record) {
  std::int64_t head = 0;
  bool is_head = false;
  for (const checkpoint::KeptTensor& tensor : record.tensors) {
    is_head = is_head || tensor.name == "classifier.weight";
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= size;
    if (is_head) head += count;
  }
  return std::max<std::int64_t>(0, record.stored_bytes / static_cast<std::int64_t>(sizeof(float)) - head);
}

void take_costs(MethodCosts& costs, const StoredTrial& trial, std::set<double>& rates) {
  const checkpoint::TrialRecord& record = trial.record;
  const std::int64_t without = record.trained_parameters, with = without + record.head_parameters;
  costs.parameters_low = costs.trials == 0 ? without : std::min(costs.parameters_low, without);
  costs.with_head_low = costs.trials == 0 ? with : std::min(costs.with_head_low, with);
  costs.parameters_high = std::max(costs.parameters_high, without);
  costs.with_head_high = std::max(costs.with_head_high, with);
  const std::int64_t stored = stored_numbers(record);
  costs.stored_low = costs.trials == 0 ? stored : std::min(costs.stored_low, stored);
  costs.stored_high = std::max(costs.stored_high, stored);
  costs.stored_bytes += static_cast<double>(record.stored_bytes);
  costs.training_s += record.training_s;
  costs.rank_s += trial.rank_s;
  costs.width_low = costs.trials == 0 ? trial.spec.width : std::min(costs.width_low, trial.spec.width);
  costs.width_high = std::max(costs.width_high, trial.spec.width);
  costs.inference_rows_per_s += record.inference_rows_per_s;
  costs.peak_memory_bytes = std::max(costs.peak_memory_bytes, record.peak_memory_bytes);
  rates.insert(trial.spec.training.learning_rate);
  ++costs.trials;
}

void take_marks_off(ScoreTable& table) {
  for (MethodRow& row : table.rows) {
    row.average_marked = false;
    for (ScoreCell& cell : row.cells) cell.best = cell.tied = false;
  }
}

}  // namespace

SeedNoise seed_noise(const ScoreTable& table, std::size_t column) {
  SeedNoise noise;
  double squares = 0;
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    if (!cell.comparable() || !cell.summary.sd) continue;
    const auto degrees = static_cast<double>(cell.summary.n - 1);
    squares += degrees * *cell.summary.sd * *cell.summary.sd;
    noise.degrees += degrees;
  }
  if (noise.degrees > 0) noise.sd = std::sqrt(squares / noise.degrees);
  return noise;
}

bool within_noise(const ScoreCell& one, const ScoreCell& other, const ScoreColumn& column, const SeedNoise& noise) {
  const double difference = std::abs(one.summary.mean - other.summary.mean);
  const double sampling = kNormalQuantile * column.sampling_error.value_or(0);
  if (noise.degrees == 0) return difference <= std::sqrt(2.0) * sampling;
  const auto seeds = [](const ScoreCell& cell) { return static_cast<double>(cell.summary.n); };
  const double seed = reach(noise.sd * std::sqrt(1 / seeds(one) + 1 / seeds(other)), noise.degrees);
  return difference <= std::hypot(seed, sampling);
}

void add_costs(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  for (MethodRow& row : table.rows) {
    std::set<double> rates;
    for (const CellContents* contents : cells) {
      if (contents->label != row.label) continue;
      for (const StoredTrial* trial : contents->stored) {
        table.oversubscribed = table.oversubscribed || (trial->cores > 0 && trial->ranks > trial->cores);
        take_costs(row.costs, *trial, rates);
      }
    }
    row.costs.learning_rates.assign(rates.begin(), rates.end());
    if (row.costs.trials == 0) continue;
    const auto n = static_cast<double>(row.costs.trials);
    row.costs.stored_bytes /= n;
    row.costs.training_s /= n;
    row.costs.rank_s /= n;
    row.costs.inference_rows_per_s /= n;
  }
}

void add_comparisons(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) mark_column(table, i, cells);
  add_averages(table);
  if (table.chosen_on_reported) {
    take_marks_off(table);
  } else {
    add_differences(table);
  }
}

}  // namespace peftgrid::orchestrator
