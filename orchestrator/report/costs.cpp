#include "orchestrator/report/costs.hpp"

#include <algorithm>
#include <set>

namespace peftgrid::orchestrator {
namespace {

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

}  // namespace

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

}  // namespace peftgrid::orchestrator
