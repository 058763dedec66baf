#include "orchestrator/schedule/fit_time.hpp"

#include <algorithm>

#include "orchestrator/schedule/simulate.hpp"

namespace peftgrid::orchestrator {

namespace {

double slowest(const std::vector<std::vector<Job>>& parts, std::int64_t ranks) {
  double most = 0;
  for (const auto& part : parts) most = std::max(most, simulate(part, static_cast<int>(ranks)).makespan_s);
  return most;
}

}  // namespace

TimeFit fit_time(const std::vector<std::vector<Job>>& parts, std::int64_t nodes, std::int64_t ranks_per_node,
                 double usable_s) {
  TimeFit fit;
  fit.predicted_s = slowest(parts, nodes * ranks_per_node);
  std::size_t most_trials = 0;
  for (const auto& part : parts) {
    most_trials = std::max(most_trials, part.size());
    for (const Job& job : part) fit.longest_s = std::max(fit.longest_s, job.seconds);
  }
  fit.fits = fit.predicted_s <= usable_s;
  if (fit.fits) {
    fit.nodes_that_fit = nodes;
  } else if (fit.longest_s <= usable_s) {
    // With a rank for each trial it fits, so this ends.
    fit.nodes_that_fit = nodes + 1;
    const auto enough = static_cast<std::int64_t>(most_trials) / ranks_per_node + 1;
    while (fit.nodes_that_fit < enough && slowest(parts, fit.nodes_that_fit * ranks_per_node) > usable_s) {
      ++fit.nodes_that_fit;
    }
  }
  return fit;
}

}  // namespace peftgrid::orchestrator
