#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// The command line of a run, checked.
struct RunOptions {
  std::string grid, out, shard, progress, order, collectives;
  Overrides overrides;
  bool retry_failed = false, quiet = false, verbose = false;
  double checkpoint_every_s = 180;
  std::string on_storage_trouble;  // wait | stop
  std::string exit_code_file;      // empty: none
};

/// Nothing when help was asked for, which is then printed. Throws worker::UsageError.
std::optional<RunOptions> parse_run_options(const std::vector<std::string>& arguments);

}  // namespace peftgrid::orchestrator
