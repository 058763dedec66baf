#pragma once

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/run_folder.hpp"

namespace peftgrid::orchestrator {

/// What a rank is taken to do on large products, for predictions.
struct Speed {
  double gflops = 0;
  bool measured = false;  // by the run's finished trials; else a guess
};

/// What the finished trials of a run say; where there are none, kUsualGflops.
Speed speed_of(const Grid& grid, const RunState& state);

}  // namespace peftgrid::orchestrator
