#include "orchestrator/schedule/simulate.hpp"

#include <algorithm>
#include <queue>

namespace peftgrid::orchestrator {

Simulation simulate(const std::vector<Job>& tasks, int ranks, const std::vector<double>& actual_s) {
  Simulation run;
  run.start_s.resize(tasks.size());
  run.end_s.resize(tasks.size());
  run.ranks.resize(tasks.size());
  Scheduler scheduler(tasks, ranks);
  using End = std::pair<double, std::size_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  const auto begin = [&](int rank, double now_s) {
    for (const Scheduler::Start& start : scheduler.ready(rank, now_s)) {
      const double takes_s = actual_s.empty() ? tasks[start.task].seconds : actual_s[start.task];
      run.start_s[start.task] = now_s;
      run.end_s[start.task] = now_s + takes_s;
      run.ranks[start.task] = start.ranks;
      run.busy_rank_s += takes_s * static_cast<double>(start.ranks.size());
      ends.emplace(now_s + takes_s, start.task);
    }
  };
  for (int rank = 0; rank < ranks && !scheduler.waiting().empty(); ++rank) begin(rank, 0);
  while (!ends.empty()) {
    const auto [now_s, task] = ends.top();
    ends.pop();
    const std::vector<int> freed = scheduler.ranks_of(task);
    scheduler.ended(task, now_s);
    for (const int rank : freed) begin(rank, now_s);
    run.makespan_s = std::max(run.makespan_s, now_s);
  }
  return run;
}

double lower_bound_s(const std::vector<Job>& tasks, int ranks) {
  double work = 0, longest = 0;
  for (const Job& task : tasks) {
    work += task.seconds * static_cast<double>(std::min<std::int64_t>(task.width, ranks));
    longest = std::max(longest, task.seconds);
  }
  return std::max(work / ranks, longest);
}

}  // namespace peftgrid::orchestrator
