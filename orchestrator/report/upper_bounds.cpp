#include "orchestrator/report/upper_bounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "worker/catalogue.hpp"

namespace peftgrid::orchestrator {
namespace {

using Methods = std::vector<std::string>;

/// The sets of methods whose best is to be shown, in the order in which the methods that join them list them.
std::vector<Methods> sets_of(const std::vector<const CellContents*>& cells) {
  std::vector<Methods> sets;
  for (const CellContents* contents : cells) {
    if (contents->stored.empty() || contents->stored.front()->spec.protocol.empty()) continue;
    const worker::MethodInfo* method = worker::find_method(contents->stored.front()->spec.method.name);
    if (method == nullptr) continue;
    for (const Methods& set : method->upper_bounds) {
      if (std::ranges::find(sets, set) == sets.end()) sets.push_back(set);
    }
  }
  return sets;
}

/// The only row of that method, or the one that has its name; null where there is none, or several.
const MethodRow* row_of_method(const ScoreTable& table, const std::vector<const CellContents*>& cells,
                               const std::string& method) {
  std::set<std::string> labels;
  for (const CellContents* contents : cells) {
    if (!contents->stored.empty() && contents->stored.front()->spec.method.name == method)
      labels.insert(contents->label);
  }
  if (labels.empty() || (labels.size() > 1 && !labels.contains(method))) return nullptr;
  const std::string& label = labels.size() == 1 ? *labels.begin() : method;
  const auto found = std::ranges::find(table.rows, label, &MethodRow::label);
  return found == table.rows.end() ? nullptr : &*found;
}

std::optional<double> best_mean(const ScoreTable& table, const std::vector<const MethodRow*>& rows,
                                std::size_t column) {
  const bool lower = table.columns[column].lower_is_better;
  std::optional<double> best;
  for (const MethodRow* row : rows) {
    const ScoreCell& cell = row->cells[column];
    if (cell.state != ScoreCell::State::Scored) return std::nullopt;
    const double so_far = best.value_or(cell.summary.mean);
    best = lower ? std::min(so_far, cell.summary.mean) : std::max(so_far, cell.summary.mean);
  }
  return best;
}

std::optional<double> average_of(const ScoreTable& table, const UpperBound& bound) {
  double sum = 0;
  for (const std::size_t i : table.averaged) {
    if (!bound.scores[i]) return std::nullopt;
    sum += *bound.scores[i];
  }
  return table.averaged.empty() ? std::nullopt : std::optional(sum / static_cast<double>(table.averaged.size()));
}

}  // namespace

void add_upper_bounds(ScoreTable& table, const std::vector<const CellContents*>& cells) {
  for (const Methods& set : sets_of(cells)) {
    std::vector<const MethodRow*> rows;
    for (const std::string& method : set) {
      if (const MethodRow* row = row_of_method(table, cells, method)) rows.push_back(row);
    }
    if (rows.size() != set.size()) continue;
    UpperBound bound;
    bound.label = fmt::format("max({})", fmt::join(set, ", "));
    for (std::size_t i = 0; i < table.columns.size(); ++i) bound.scores.push_back(best_mean(table, rows, i));
    bound.average = average_of(table, bound);
    table.bounds.push_back(std::move(bound));
  }
  if (table.bounds.empty()) return;
  table.remarks.push_back(
      "max(…) is on each task the best of these methods by the means above, as the protocol's paper shows it: chosen "
      "on the reported set, an upper bound and no method.");
}

}  // namespace peftgrid::orchestrator
