#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// The command line of `orchestrator submit`, checked.
struct SubmitOptions {
  std::string grid, out, time, launcher;
  Overrides overrides;
  std::int64_t nodes = 1, ranks_per_node = 0, array = 0;  // array 0: one allocation for the whole grid
  std::int64_t time_s = 0, signal_before_s = 0;
  std::vector<std::string> prologue;
  std::map<std::string, std::string> passed_through;  // to sbatch, by option; empty: not given
  bool dry_run = false;
};

/// Nothing when help was asked for, which is then printed. Without --ranks-per-node there is a rank for each GPU of
/// --gres, or for each core that sinfo tells of. Throws worker::UsageError.
std::optional<SubmitOptions> parse_submit_options(const Arguments& arguments);

}  // namespace peftgrid::orchestrator
