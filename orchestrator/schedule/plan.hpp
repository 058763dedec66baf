#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// In which order a grid's trials are handed out, and what that comes to.
struct Plan {
  std::vector<std::size_t> order;  // indices into Grid::trials: those to run, longest first
  std::vector<double> seconds;     // predicted, of every trial of the grid
  double work = 0;                 // of those to run, together
  double longest = 0;
  double makespan = 0;     // of this order on this many ranks
  double lower_bound = 0;  // no order can be faster: max(work / ranks, longest)
};

/// Longest first; equal ones in the grid's order. `done` says of a trial id that it need not run.
Plan make_plan(const Grid& grid, std::int64_t ranks, double gflops,
               const std::function<bool(const std::string&)>& done);

/// When the last of `ranks` is free, if each takes the next of `seconds` as soon as it is.
double list_makespan(const std::vector<double>& seconds, std::int64_t ranks);

}  // namespace peftgrid::orchestrator
