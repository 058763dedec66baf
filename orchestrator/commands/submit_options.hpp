#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// The command line of `orchestrator submit`, checked, and what Slurm says of the partition.
struct SubmitOptions {
  std::string grid, out, time, launcher;
  Overrides overrides;
  std::int64_t nodes = 1, ranks_per_node = 0;
  std::int64_t cores_per_rank = 1;            // its threads, or the cores of its share of the GPUs
  std::int64_t gpus = 0;                      // of a node, that the job asks for
  std::int64_t array = 0, array_at_once = 0;  // array 0: one allocation for the whole grid; at once 0: no bound
  std::int64_t time_s = 0, signal_before_s = 0;
  std::int64_t most_s = 0;  // what the partition gives a job; slurm::kUnlimited_s where that is not known
  std::vector<std::string> prologue;
  std::vector<std::pair<std::string, std::string>> for_sbatch;  // its own options and their values; empty: none
  bool retry_failed = false, dry_run = false;
};

/// Nothing when help was asked for, which is then printed. Without --ranks-per-node there is a rank for each GPU of
/// the job, or for each core that sinfo tells of. Throws worker::UsageError, also for what Slurm would let wait for
/// ever: more time than the partition gives, more shards than an array may have.
std::optional<SubmitOptions> parse_submit_options(const Arguments& arguments);

}  // namespace peftgrid::orchestrator
