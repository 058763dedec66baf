#pragma once

#include <string>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// What is said of a column's runs that diverged, collapsed or whose score is undefined, one sentence a method, each
/// with a space in front; empty where all worked.
std::string failures_clause(const ScoreTable& table, std::size_t column);

}  // namespace peftgrid::orchestrator
