#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// What can and what cannot be told apart, in words: for each task, and for the average of tasks. All of it is read off
/// the intervals of the tables (Verdict). Of methods with one seed nothing is said but which models were right.
std::vector<std::string> sentences_of(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
