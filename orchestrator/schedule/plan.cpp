#include "orchestrator/schedule/plan.hpp"

#include <algorithm>
#include <queue>

#include "orchestrator/schedule/cost.hpp"

namespace peftgrid::orchestrator {

double list_makespan(const std::vector<double>& seconds, std::int64_t ranks) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (std::int64_t rank = 0; rank < ranks; ++rank) free_at.push(0);
  double last = 0;
  for (const double trial : seconds) {
    const double end = free_at.top() + trial;
    free_at.pop();
    free_at.push(end);
    last = std::max(last, end);
  }
  return last;
}

Plan make_plan(const Grid& grid, std::int64_t ranks, double gflops,
               const std::function<bool(const std::string&)>& done) {
  Plan plan;
  for (std::size_t i = 0; i < grid.trials.size(); ++i) {
    const worker::TrialSpec& spec = grid.trials[i];
    plan.seconds.push_back(
        predicted_seconds(spec, grid.tasks.at(spec.task.name), grid.backbones.at(spec.backbone.name), gflops));
    if (!done(spec.id)) plan.order.push_back(i);
  }
  std::ranges::stable_sort(plan.order, std::greater<>(), [&](std::size_t i) { return plan.seconds[i]; });
  std::vector<double> in_order;
  for (const std::size_t i : plan.order) {
    in_order.push_back(plan.seconds[i]);
    plan.work += plan.seconds[i];
    plan.longest = std::max(plan.longest, plan.seconds[i]);
  }
  plan.makespan = list_makespan(in_order, ranks);
  plan.lower_bound = std::max(plan.work / static_cast<double>(ranks), plan.longest);
  return plan;
}

}  // namespace peftgrid::orchestrator
