#pragma once

#include <optional>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// The share of the baseline's score that a cell keeps, 1 + d / f over the seeds that both have; nothing where the
/// baseline's interval reaches 0.
std::optional<double> share_kept(const ScoreTable& table, std::size_t column, const ScoreCell& cell);
/// The same of what the baseline scores above the majority class; nothing where it is not shown to score more.
std::optional<double> gain_kept(const ScoreTable& table, std::size_t column, const ScoreCell& cell);

}  // namespace peftgrid::orchestrator
