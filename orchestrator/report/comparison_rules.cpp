#include "orchestrator/report/comparison_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

ComparisonRules rules_of(const Sources& sources, const std::vector<CellContents>& cells, const ReportOptions& options) {
  ComparisonRules rules;
  double points = sources.states.empty() ? kDefaultMargin : sources.states.front().margin;
  for (const RunState& state : sources.states)
    rules.task_margins.insert(state.task_margins.begin(), state.task_margins.end());
  for (const RunState& state : sources.states) {
    if (state.compare.empty()) continue;
    rules.family = state.compare;
    rules.baseline = state.compare.front();
    break;
  }
  if (options.margin) points = *options.margin;
  rules.margin = points / 100;
  if (options.baseline.empty() || options.baseline == rules.baseline) return rules;
  std::vector<std::string> labels;
  for (const CellContents& cell : cells) {
    if (std::ranges::find(labels, cell.label) == labels.end()) labels.push_back(cell.label);
  }
  if (std::ranges::find(labels, options.baseline) == labels.end()) {
    const std::string near = worker::nearest_name(options.baseline, labels);
    throw worker::UsageError(fmt::format("--baseline names {}, which is no method here; {} would be right",
                                         worker::in_quotes(options.baseline),
                                         near.empty() ? "one of " + worker::joined(labels) : near));
  }
  rules.baseline = options.baseline;
  rules.chosen_afterwards = true;
  return rules;
}

}  // namespace peftgrid::orchestrator
