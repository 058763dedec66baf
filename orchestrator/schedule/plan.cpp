#include "orchestrator/schedule/plan.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "orchestrator/schedule/widths.hpp"

namespace peftgrid::orchestrator {

namespace {

/// Over all widths that the plan may choose among; where the grid says the width, that one.
double lower_bound_of(const Grid& grid, const std::vector<std::size_t>& order, std::int64_t ranks, const Speed& speed) {
  const std::set<std::size_t> to_run(order.begin(), order.end());
  double work = 0, longest = 0;
  for (const Cell& cell : grid.cells) {
    const auto trials = std::ranges::count_if(cell.trials, [&](std::size_t i) { return to_run.contains(i); });
    if (trials == 0) continue;
    worker::TrialSpec spec = grid.trials[cell.trials.front()];
    double least_work = std::numeric_limits<double>::infinity(), least_time = least_work;
    for (const std::int64_t width : cell.undecided.empty() ? std::vector{spec.width} : candidate_widths(spec, ranks)) {
      spec.width = width;
      const std::int64_t used = std::min(width, ranks);
      const double seconds = speed.seconds(spec, grid, used);
      least_work = std::min(least_work, seconds * static_cast<double>(used));
      least_time = std::min(least_time, seconds);
    }
    work += least_work * static_cast<double>(trials);
    longest = std::max(longest, least_time);
  }
  return std::max(work / static_cast<double>(ranks), longest);
}

bool goes_first(const Job& a, const Job& b) {
  return a.seconds != b.seconds ? a.seconds > b.seconds : a.width > b.width;
}

Extra extra_of(std::string what, const std::vector<Job>& added, std::int64_t ranks, const Plan& plan) {
  std::vector<Job> jobs = plan.jobs;
  jobs.insert(jobs.end(), added.begin(), added.end());
  std::ranges::stable_sort(jobs, goes_first);
  const Simulation run = simulate(jobs, static_cast<int>(ranks));
  return {std::move(what), run.makespan_s - plan.run.makespan_s, run.busy_rank_s - plan.run.busy_rank_s,
          static_cast<std::int64_t>(added.size())};
}

}  // namespace

Plan make_plan(const Grid& grid, std::int64_t ranks, const Speed& speed,
               const std::function<bool(const std::string&)>& done) {
  Plan plan;
  const auto job_of = [&](std::size_t i) { return Job{grid.trials[i].width, plan.seconds[i]}; };
  for (std::size_t i = 0; i < grid.trials.size(); ++i) {
    const worker::TrialSpec& spec = grid.trials[i];
    plan.seconds.push_back(speed.seconds(spec, grid, std::min(spec.width, ranks)));
    if (!done(spec.id)) plan.order.push_back(i);
  }
  std::ranges::stable_sort(plan.order, goes_first, job_of);
  for (const std::size_t i : plan.order) plan.jobs.push_back(job_of(i));
  plan.run = simulate(plan.jobs, static_cast<int>(ranks));
  plan.lower_bound_s = lower_bound_of(grid, plan.order, ranks, speed);
  return plan;
}

std::vector<Extra> extras(const Grid& grid, std::int64_t ranks, const Plan& plan) {
  std::vector<Job> seed;
  std::map<std::string, std::vector<Job>> methods;
  for (const Cell& cell : grid.cells) {
    if (cell.train_size == kNoTrainingRows) continue;  // what does not train has no other seed, and no like
    const std::size_t first = cell.trials.front();
    const Job job{grid.trials[first].width, plan.seconds[first]};
    seed.push_back(job);
    std::vector<Job>& method = methods[cell.label];
    method.insert(method.end(), cell.trials.size(), job);
  }
  if (methods.empty()) return {};
  const auto work = [](const auto& method) {
    double sum = 0;
    for (const Job& job : method.second) sum += job.seconds * static_cast<double>(job.width);
    return sum;
  };
  std::vector<Extra> all{extra_of("one more seed", seed, ranks, plan)};
  const auto [cheapest, dearest] = std::ranges::minmax_element(methods, {}, work);
  for (const auto& method : {cheapest, dearest}) {
    all.push_back(extra_of("one more method like " + method->first, method->second, ranks, plan));
    if (cheapest == dearest) break;
  }
  return all;
}

}  // namespace peftgrid::orchestrator
