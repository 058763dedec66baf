#pragma once

#include <map>
#include <string>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "orchestrator/schedule/cost.hpp"

namespace peftgrid::orchestrator {

/// What a rank is taken to do, for predictions.
struct Speed {
  worker::ProductSpeed products;
  bool from_trials = false;  // as the run's finished trials had it
  /// How much longer than all trials together those of one backbone and method took, by "backbone/method".
  std::map<std::string, double> by_method;

  /// Of a trial of the grid, on `ranks` (0: as many as it is wide).
  double seconds(const worker::TrialSpec& spec, const Grid& grid, std::int64_t ranks = 0) const;
};

/// Does the grid say `precision: bf16`?
bool in_bf16(const Grid& grid);

/// What the finished trials of a run say; where there are none, `otherwise`.
Speed speed_of(const Grid& grid, const RunState& state, const worker::ProductSpeed& otherwise = {});

}  // namespace peftgrid::orchestrator
