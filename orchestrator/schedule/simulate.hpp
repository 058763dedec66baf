#pragma once

#include <vector>

#include "orchestrator/schedule/scheduler.hpp"

namespace peftgrid::orchestrator {

/// A run on paper: the scheduler's own code against a clock that jumps from event to event.
struct Simulation {
  double makespan_s = 0;                // when the last job ends
  double busy_rank_s = 0;               // rank-seconds at work
  std::vector<double> start_s, end_s;   // by job
  std::vector<std::vector<int>> ranks;  // by job: those that share it
};

/// `actual_s` are the seconds that each job really takes; empty: exactly as predicted.
Simulation simulate(const std::vector<Job>& jobs, int ranks, const std::vector<double>& actual_s = {});

/// No schedule of these jobs at these widths ends earlier: max(sum of width × seconds / ranks, the longest).
double lower_bound_s(const std::vector<Job>& jobs, int ranks);

}  // namespace peftgrid::orchestrator
