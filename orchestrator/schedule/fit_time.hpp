#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/schedule/scheduler.hpp"

namespace peftgrid::orchestrator {

/// Does a grid fit the time of a job, and what would?
struct TimeFit {
  double predicted_s = 0;           // of the slowest part
  double longest_s = 0;             // of all trials
  bool fits = true;                 // within the time given
  std::int64_t nodes_that_fit = 0;  // 0: no number of nodes does
};

/// `parts` are what runs at once, each on `nodes` nodes of its own (one part, or the shards of an array): its trials,
/// in the order in which they are handed out. `usable_s` is the time that a job has for them.
TimeFit fit_time(const std::vector<std::vector<Job>>& parts, std::int64_t nodes, std::int64_t ranks_per_node,
                 double usable_s);

}  // namespace peftgrid::orchestrator
