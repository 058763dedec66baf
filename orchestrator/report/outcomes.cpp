#include "orchestrator/report/outcomes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "orchestrator/report/scores.hpp"

namespace peftgrid::orchestrator {

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
  } else {
    outcome.kind = predicts_one_value(trial.spec.task, test->labels, test->predictions) ? RunOutcome::Kind::Collapsed
                                                                                        : RunOutcome::Kind::Worked;
  }
  return outcome;
}

}  // namespace peftgrid::orchestrator
