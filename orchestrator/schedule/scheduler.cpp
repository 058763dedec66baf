#include "orchestrator/schedule/scheduler.hpp"

#include <algorithm>

namespace peftgrid::orchestrator {

Scheduler::Scheduler(std::vector<Job> jobs, int ranks)
    : jobs_(std::move(jobs)),
      gangs_(jobs_.size()),
      ranks_(static_cast<std::size_t>(ranks)),
      left_(static_cast<std::size_t>(ranks)) {
  for (std::size_t i = 0; i < jobs_.size(); ++i) waiting_.insert(waiting_.end(), i);
}

/// A trial of width w gives the same numbers on any number of ranks up to w.
std::size_t Scheduler::gang_size(std::size_t job) const {
  return std::min(static_cast<std::size_t>(jobs_[job].width), left_);
}

std::vector<Scheduler::Start> Scheduler::ready(int rank, double now_s) {
  Rank& asking = ranks_[static_cast<std::size_t>(rank)];
  if (asking.state == Rank::State::Lost) return {};
  leave_gang(rank);
  asking.state = Rank::State::Idle;
  idle_.insert(rank);
  return starts(now_s);
}

void Scheduler::leave_gang(int rank) {
  std::optional<std::size_t>& job = ranks_[static_cast<std::size_t>(rank)].job;
  if (job) std::erase(gangs_[*job], rank);
  job.reset();
}

void Scheduler::release(std::size_t job, double now_s) {
  for (const int rank : gangs_[job]) {
    Rank& free = ranks_[static_cast<std::size_t>(rank)];
    free.job.reset();
    free.free_at_s = now_s;
  }
  gangs_[job].clear();
  --running_;
}

void Scheduler::ended(std::size_t job, double now_s) {
  release(job, now_s);
}

void Scheduler::returned(std::size_t job, double now_s) {
  release(job, now_s);
  waiting_.insert(job);
}

void Scheduler::dropped(std::size_t job) {
  waiting_.erase(job);
}

void Scheduler::lost(int rank, double now_s) {
  Rank& gone = ranks_[static_cast<std::size_t>(rank)];
  if (gone.state == Rank::State::Lost) return;
  if (gone.job) returned(*gone.job, now_s);
  gone.state = Rank::State::Lost;
  idle_.erase(rank);
  --left_;
}

std::vector<Scheduler::Start> Scheduler::starts(double now_s) {
  std::vector<Start> chosen;
  while (const auto job = next(now_s)) chosen.push_back(start(*job, now_s));
  return chosen;
}

std::optional<std::size_t> Scheduler::next(double now_s) const {
  if (waiting_.empty() || idle_.empty()) return std::nullopt;
  const std::size_t first = *waiting_.begin(), wanted = gang_size(first);
  if (wanted <= idle_.size()) return first;
  // When will the first one have its ranks, and how many will be left over then?
  std::vector<double> ends;
  for (const Rank& rank : ranks_) {
    if (rank.state == Rank::State::Busy) ends.push_back(std::max(rank.free_at_s, now_s));
  }
  const auto missing = static_cast<std::ptrdiff_t>(wanted - idle_.size());
  std::nth_element(ends.begin(), ends.begin() + missing - 1, ends.end());
  const double begin_s = ends[static_cast<std::size_t>(missing) - 1];
  const auto free_then =
      idle_.size() + static_cast<std::size_t>(std::ranges::count_if(ends, [&](double e) { return e <= begin_s; }));
  for (const std::size_t job : waiting_) {
    if (job == first || gang_size(job) > idle_.size()) continue;
    if (now_s + jobs_[job].seconds <= begin_s || gang_size(job) + wanted <= free_then) return job;
  }
  return std::nullopt;
}

Scheduler::Start Scheduler::start(std::size_t job, double now_s) {
  Start start{job, {}};
  const std::size_t size = gang_size(job);
  while (start.ranks.size() < size) {
    const int rank = *idle_.begin();
    idle_.erase(idle_.begin());
    start.ranks.push_back(rank);
    ranks_[static_cast<std::size_t>(rank)] = {Rank::State::Busy, now_s + jobs_[job].seconds, job};
  }
  gangs_[job] = start.ranks;
  waiting_.erase(job);
  ++running_;
  return start;
}

}  // namespace peftgrid::orchestrator
