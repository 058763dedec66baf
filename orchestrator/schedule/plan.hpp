#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/schedule/simulate.hpp"
#include "orchestrator/schedule/speed.hpp"

namespace peftgrid::orchestrator {

/// In which order a grid's trials are handed out, and what that comes to.
struct Plan {
  std::vector<std::size_t> order;  // indices into Grid::trials: those to run, longest first
  std::vector<double> seconds;     // predicted, of every trial of the grid, on as many ranks as it is wide
  std::vector<Job> jobs;           // of those to run, in their order
  Simulation run;                  // of them on paper
  /// No plan can end earlier, whatever its order and the widths that it may choose: max(W / ranks, p), W the sum over
  /// trials of the least width x time, p the largest over trials of the least time.
  double lower_bound_s = 0;
};

/// Longest first; of equal ones the wider, then the grid's order. The grid's widths are chosen (widths.hpp). `done`
/// says of a trial id that it need not run.
Plan make_plan(const Grid& grid, std::int64_t ranks, const Speed& speed,
               const std::function<bool(const std::string&)>& done);

/// What the plan would cost with more in the grid.
struct Extra {
  std::string what;         // "one more seed", "one more method like lora"
  double makespan_s = 0;    // in addition
  double rank_seconds = 0;  // likewise
  std::int64_t trials = 0;
};
/// One more seed of every cell; one more method as cheap as the cheapest of the grid, and one as dear as the dearest.
std::vector<Extra> extras(const Grid& grid, std::int64_t ranks, const Plan& plan);

}  // namespace peftgrid::orchestrator
