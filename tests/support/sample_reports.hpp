#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"
#include "tests/support/sample_trials.hpp"

/// Reports of made-up trials, and what stands in them.
namespace peftgrid::tests {

/// Three methods on two tasks, 100 training rows, 200 test rows.
SampleOptions small(std::vector<std::string> methods = {"full", "lora", "head"},
                    std::vector<std::string> tasks = {"sst2", "mrpc"});

orchestrator::ReportModel report_of(const SampleRun& run);

/// Throws std::runtime_error where there is none.
const orchestrator::ScoreCell& cell_of(const orchestrator::ReportModel& model, const std::string& method,
                                       const std::string& heading, std::size_t table = 0);
/// All sentences of a table in one text.
std::string said_of(const orchestrator::ReportModel& model, std::size_t table = 0);
/// A cell's footnotes in the first table, a line each.
std::string notes_of(const orchestrator::ReportModel& model, const orchestrator::ScoreCell& cell);

/// Makes so many test rows wrong, from this one on, and all others right; of a task with two labels and accuracy.
void set_right_rows(checkpoint::TrialRecord& record, std::size_t wrong, std::size_t from = 0);

}  // namespace peftgrid::tests
