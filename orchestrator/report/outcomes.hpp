#pragma once

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// What came of a stored trial in a column. Only runs that worked are compared.
struct RunOutcome {
  enum class Kind {
    Untested,   // it has no such test set
    Diverged,   // no finite loss
    Undefined,  // the metric is
    Collapsed,  // predicts one value
    Worked
  };
  Kind kind = Kind::Untested;
  double score = 0;                              // where it worked or collapsed
  const checkpoint::TestResult* test = nullptr;  // where it was tested
};
RunOutcome outcome_of(const StoredTrial& trial, const ScoreColumn& column);

}  // namespace peftgrid::orchestrator
