#include "orchestrator/report/costs.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace peftgrid::orchestrator {
namespace {

/// What methods must share for their costs to be compared: task, seed and data seed.
using Place = std::pair<std::string, SeedKey>;

Place place_of(const StoredTrial& trial) {
  return {trial.spec.task.name, {trial.spec.seed, trial.spec.data_seed}};
}

template <typename Act>
void for_each_trial(const MethodRow& row, const std::vector<const CellContents*>& cells, Act act) {
  for (const CellContents* contents : cells) {
    if (contents->label != row.label) continue;
    for (const StoredTrial* trial : contents->stored) act(*trial);
  }
}

/// Places at which every row that has trials has one; the untrained model has one for all seeds.
std::set<Place> shared_places(const ScoreTable& table, const std::vector<const CellContents*>& cells) {
  std::set<Place> shared;
  bool first = true;
  for (const MethodRow& row : table.rows) {
    std::set<Place> here, both;
    for_each_trial(row, cells, [&](const StoredTrial& trial) { here.insert(place_of(trial)); });
    if (here.empty() || row.untrained) continue;
    std::ranges::set_intersection(shared, here, std::inserter(both, both.begin()));
    shared = first ? here : both;
    first = false;
  }
  return shared;
}

std::int64_t numbers_of(const checkpoint::KeptTensor& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  return count;
}

/// Bytes of all that a trial trained and a program would load, whether the file keeps them or only their hashes.
double deployed_bytes(const checkpoint::TrialRecord& record) {
  double numbers = 0;
  for (const checkpoint::KeptTensor& tensor : record.tensors) {
    if (!checkpoint::is_logits(tensor)) numbers += static_cast<double>(numbers_of(tensor));
  }
  return numbers * sizeof(float);
}

/// Numbers that a trial file holds of its method; its head's tensors stand last.
std::int64_t stored_numbers(const checkpoint::TrialRecord& record) {
  std::int64_t head = 0;
  bool is_head = false;
  for (const checkpoint::KeptTensor& tensor : record.tensors) {
    is_head = is_head || tensor.name == "classifier.weight";
    if (is_head && !checkpoint::is_logits(tensor)) head += numbers_of(tensor);
  }
  return std::max<std::int64_t>(0, record.stored_bytes / static_cast<std::int64_t>(sizeof(float)) - head);
}

void take_costs(MethodCosts& costs, const StoredTrial& trial, std::set<double>& rates) {
  const checkpoint::TrialRecord& record = trial.record;
  const bool first = costs.trials == 0;
  costs.parameters.take(record.trained_parameters, first);
  costs.with_head.take(record.trained_parameters + record.head_parameters, first);
  costs.stored.take(stored_numbers(record), first);
  costs.width.take(trial.spec.width, first);
  costs.stored_bytes += static_cast<double>(record.stored_bytes);
  costs.deployed_bytes += deployed_bytes(record);
  costs.training_s += record.training_s;
  costs.cpu_s += record.cpu_s;
  costs.rank_s += trial.rank_s;
  costs.inference_rows_per_s += record.inference_rows_per_s;
  costs.peak_memory_bytes = std::max(costs.peak_memory_bytes, record.peak_memory_bytes);
  rates.insert(trial.spec.training.learning_rate);
  ++costs.trials;
}

}  // namespace

void add_costs(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  const std::set<Place> shared = shared_places(table, cells);
  table.costs_shared = shared.size();
  std::set<std::string> tasks;
  for (const auto& [task, seed] : shared) tasks.insert(task);
  for (MethodRow& row : table.rows) {
    std::set<double> rates;
    for_each_trial(row, cells, [&](const StoredTrial& trial) {
      table.oversubscribed = table.oversubscribed || (trial.cores > 0 && trial.ranks > trial.cores);
      const bool counts = row.untrained ? tasks.contains(trial.spec.task.name) : shared.contains(place_of(trial));
      if (shared.empty() || counts) take_costs(row.costs, trial, rates);
    });
    row.costs.learning_rates.assign(rates.begin(), rates.end());
    if (row.costs.trials == 0) continue;
    const auto n = static_cast<double>(row.costs.trials);
    for (double* sum : {&row.costs.stored_bytes, &row.costs.deployed_bytes, &row.costs.training_s, &row.costs.cpu_s,
                        &row.costs.rank_s, &row.costs.inference_rows_per_s}) {
      *sum /= n;
    }
  }
}

}  // namespace peftgrid::orchestrator
