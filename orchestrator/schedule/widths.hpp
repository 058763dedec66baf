#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// Widths that the plan may choose among for a trial: 1, 2, 4, ... up to `ranks` and to the rows of a batch.
std::vector<std::int64_t> candidate_widths(const worker::TrialSpec& spec, std::int64_t ranks);

/// Gives every cell whose width the grid leaves to the plan (`width: auto`) the one with which the whole grid is done
/// soonest, and its trials the ids that follow. What an earlier start chose stays (`remembered`, by Cell::undecided).
/// Depends on nothing but grid, ranks and shards, so that shards and machines of unlike speed choose alike: a limit for
/// the time of a trial is looked for, and each cell takes the least width that keeps it (Turek, Wolf and Yu, SPAA
/// 1992). `ranks` are those of one shard. Throws worker::UsageError where two cells come out the same.
void choose_widths(Grid& grid, std::int64_t ranks, std::int64_t shards,
                   const std::map<std::string, std::int64_t>& remembered);

}  // namespace peftgrid::orchestrator
