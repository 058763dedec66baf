#include "orchestrator/schedule/simulate.hpp"

#include <algorithm>
#include <queue>

namespace peftgrid::orchestrator {

Simulation simulate(const std::vector<Job>& jobs, int ranks, const std::vector<double>& actual_s) {
  Simulation run;
  run.start_s.resize(jobs.size());
  run.end_s.resize(jobs.size());
  run.ranks.resize(jobs.size());
  Scheduler scheduler(jobs, ranks);
  using End = std::pair<double, std::size_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  const auto begin = [&](int rank, double now_s) {
    for (const Scheduler::Start& start : scheduler.ready(rank, now_s)) {
      const double takes_s = actual_s.empty() ? jobs[start.job].seconds : actual_s[start.job];
      run.start_s[start.job] = now_s;
      run.end_s[start.job] = now_s + takes_s;
      run.ranks[start.job] = start.ranks;
      run.busy_rank_s += takes_s * static_cast<double>(start.ranks.size());
      ends.emplace(now_s + takes_s, start.job);
    }
  };
  for (int rank = 0; rank < ranks && !scheduler.waiting().empty(); ++rank) begin(rank, 0);
  while (!ends.empty()) {
    const auto [now_s, job] = ends.top();
    ends.pop();
    const std::vector<int> freed = scheduler.ranks_of(job);
    scheduler.ended(job, now_s);
    for (const int rank : freed) begin(rank, now_s);
    run.makespan_s = std::max(run.makespan_s, now_s);
  }
  return run;
}

double lower_bound_s(const std::vector<Job>& jobs, int ranks) {
  double work = 0, longest = 0;
  for (const Job& job : jobs) {
    work += job.seconds * static_cast<double>(std::min<std::int64_t>(job.width, ranks));
    longest = std::max(longest, job.seconds);
  }
  return std::max(work / ranks, longest);
}

}  // namespace peftgrid::orchestrator
