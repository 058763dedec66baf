#pragma once

#include "orchestrator/report/cells.hpp"
#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// What came of a stored trial in a column. Only runs that worked are compared.
struct RunOutcome {
  enum class Kind {
    Untested,   // it has no such test set
    Diverged,   // no finite loss
    Undefined,  // the metric is
    Unmoved,    // its only step had the rate 0, with which a warm-up begins: nothing was trained
    Collapsed,  // predicts one value; a language model: worse than a guess that takes all tokens for equally likely
    Worked
  };
  Kind kind = Kind::Untested;
  double score = 0;                              // where it worked, collapsed or is unmoved
  const checkpoint::TestResult* test = nullptr;  // where it was tested
};
RunOutcome outcome_of(const StoredTrial& trial, const ScoreColumn& column);

/// Labels and predictions of a test set that belong together and are all defined: the run can be compared.
bool can_be_paired(const checkpoint::TestResult& test);

/// The labels of the test rows on which most runs of the column were tested that can be compared, of several the
/// longest ones, then those that are first in order; null where no run was tested. They belong to a trial.
const std::vector<double>* compared_labels(const ScoreColumn& column, const std::vector<const CellContents*>& cells);

}  // namespace peftgrid::orchestrator
