#include "orchestrator/report/outcomes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "orchestrator/report/scores.hpp"

namespace peftgrid::orchestrator {

namespace {

/// Of a perplexity; earlier trials do not say among how many tokens.
bool is_worse_than_a_guess(const worker::TrialSpec& spec, double perplexity) {
  return spec.backbone.vocabulary > 0 && perplexity > static_cast<double>(spec.backbone.vocabulary);
}

/// The first rate of a warm-up is 0.
bool is_unmoved(const StoredTrial& trial) {
  return trial.record.steps == 1 && trial.spec.training.warmup > 0;
}

}  // namespace

RunOutcome outcome_of(const StoredTrial& trial, const ScoreColumn& column) {
  RunOutcome outcome;
  if (trial.record.state == "diverged") {
    outcome.kind = RunOutcome::Kind::Diverged;
    return outcome;
  }
  const auto test = std::ranges::find(trial.record.tests, column.test, &checkpoint::TestResult::name);
  if (test == trial.record.tests.end()) return outcome;
  outcome.test = &*test;
  outcome.score = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [name, stored] : test->metrics) {
    if (name == column.metric) outcome.score = stored;
  }
  if (!std::isfinite(outcome.score)) {
    outcome.kind = RunOutcome::Kind::Undefined;
  } else if (is_unmoved(trial)) {
    outcome.kind = RunOutcome::Kind::Unmoved;
  } else {
    const bool collapsed = column.in_logs ? is_worse_than_a_guess(trial.spec, outcome.score)
                                          : predicts_one_value(trial.spec.task, test->labels, test->predictions);
    outcome.kind = collapsed ? RunOutcome::Kind::Collapsed : RunOutcome::Kind::Worked;
  }
  return outcome;
}

bool can_be_paired(const checkpoint::TestResult& test) {
  const auto undefined = [](double value) { return std::isnan(value); };
  return test.labels.size() > 1 && test.labels.size() == test.predictions.size() &&
         std::ranges::none_of(test.labels, undefined) && std::ranges::none_of(test.predictions, undefined);
}

const std::vector<double>* compared_labels(const ScoreColumn& column, const std::vector<const CellContents*>& cells) {
  struct Group {
    const std::vector<double>* labels;
    std::size_t runs;
  };
  std::vector<Group> groups;
  for (const CellContents* contents : cells) {
    if (contents->task != column.task) continue;
    for (const StoredTrial* trial : contents->stored) {
      const RunOutcome outcome = outcome_of(*trial, column);
      if (outcome.test == nullptr) continue;
      const bool compares = outcome.kind == RunOutcome::Kind::Worked && can_be_paired(*outcome.test);
      const auto same = [&](const Group& group) { return *group.labels == outcome.test->labels; };
      auto group = std::ranges::find_if(groups, same);
      if (group == groups.end()) group = groups.insert(group, {&outcome.test->labels, 0});
      group->runs += compares ? 1 : 0;
    }
  }
  const auto before = [](const Group& a, const Group& b) {
    if (a.runs != b.runs) return a.runs > b.runs;
    return a.labels->size() != b.labels->size() ? a.labels->size() > b.labels->size() : *a.labels < *b.labels;
  };
  const auto first = std::ranges::min_element(groups, before);
  return first == groups.end() ? nullptr : first->labels;
}

}  // namespace peftgrid::orchestrator
