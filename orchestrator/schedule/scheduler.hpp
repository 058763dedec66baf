#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace peftgrid::orchestrator {

/// What the scheduler knows of a trial: how many ranks share it at most, and seconds predicted on that many.
struct Job {
  std::int64_t width = 1;
  double seconds = 0;
};

/// Which ranks work on which trial, and when: a function of state and event, without clock, MPI or file, so that the
/// coordinator and the simulator (simulate.hpp) run the same code.
///
/// Jobs are started in the order given. One that needs more ranks than are idle waits for them; meanwhile others may
/// start only where they do not delay it (backfilling, Lifka 1995), so that wide trials cannot starve. A gang starts
/// when all of its ranks are idle: none waits inside a trial for another, so there is nothing to deadlock.
class Scheduler {
 public:
  /// The ranks are 0 .. ranks - 1, all still about to ask.
  Scheduler(std::vector<Job> jobs, int ranks);

  struct Start {
    std::size_t job;
    std::vector<int> ranks;  // ascending; the first leads
  };
  /// A rank asks for work: what may start now. One whose job is still running has done its part of it.
  std::vector<Start> ready(int rank, double now_s);

  /// A job is over, for good; its ranks will ask again.
  void ended(std::size_t job, double now_s);
  /// A job goes back to the queue, at its old place; its ranks will ask again.
  void returned(std::size_t job, double now_s);
  /// A job that has not started, or was returned, is not to be started any more.
  void dropped(std::size_t job);

  /// A rank is gone; its job, if it had one, is returned. Nothing starts until `starts` is asked: the caller may know
  /// that the job is not to run again, and drop it first.
  void lost(int rank, double now_s);
  /// What may start now without a rank having asked: a returned job on idle ranks, or one that waited for more ranks
  /// than there are left.
  std::vector<Start> starts(double now_s);

  bool all_over() const { return waiting_.empty() && running_ == 0; }
  /// Jobs that have not started.
  const std::set<std::size_t>& waiting() const { return waiting_; }
  /// The ranks that work on a job; empty where none does.
  const std::vector<int>& ranks_of(std::size_t job) const { return gangs_[job]; }

 private:
  struct Rank {
    enum class State { Busy, Idle, Lost } state = State::Busy;
    double free_at_s = 0;  // where busy: when it is expected to ask
    std::optional<std::size_t> job;
  };
  std::size_t gang_size(std::size_t job) const;
  std::optional<std::size_t> next(double now_s) const;
  Start start(std::size_t job, double now_s);
  void leave_gang(int rank);
  void release(std::size_t job, double now_s);

  std::vector<Job> jobs_;
  std::vector<std::vector<int>> gangs_;  // by job
  std::vector<Rank> ranks_;
  std::set<std::size_t> waiting_;
  std::set<int> idle_;
  std::size_t running_ = 0, left_;  // jobs at work; ranks not lost
};

}  // namespace peftgrid::orchestrator
