#include "orchestrator/schedule/speed.hpp"

#include <algorithm>
#include <vector>

#include "orchestrator/schedule/cost.hpp"

namespace peftgrid::orchestrator {

Speed speed_of(const Grid& grid, const RunState& state) {
  std::vector<double> ratios;  // predictions at 1 GFLOP/s over what the trials took
  for (const worker::TrialSpec& spec : grid.trials) {
    const auto took = state.seconds.find(spec.id);
    if (took == state.seconds.end() || took->second <= 0) continue;
    const double predicted =
        predicted_seconds(spec, grid.tasks.at(spec.task.name), grid.backbones.at(spec.backbone.name), 1);
    ratios.push_back(predicted / took->second);
  }
  if (ratios.empty()) return {kUsualGflops, false};
  std::ranges::sort(ratios);
  return {ratios[ratios.size() / 2], true};
}

}  // namespace peftgrid::orchestrator
