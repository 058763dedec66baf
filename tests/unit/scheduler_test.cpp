// The scheduler and the simulator that shares its code.
#include "orchestrator/schedule/scheduler.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "orchestrator/schedule/simulate.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int> ranks_started(const std::vector<Scheduler::Start>& starts) {
  return starts.size() == 1 ? starts[0].ranks : std::vector<int>{};
}

TEST(Scheduler, StartsJobsInTheGivenOrder) {
  Scheduler scheduler({{1, 5}, {1, 9}}, 2);
  EXPECT_EQ(scheduler.ready(1, 0).at(0).job, 0U);
  EXPECT_EQ(scheduler.ready(0, 0).at(0).job, 1U);
}

TEST(Scheduler, StartsAWideJobWhenAllItsRanksAreIdle) {
  Scheduler scheduler({{3, 5}}, 3);
  EXPECT_THAT(scheduler.ready(2, 0), IsEmpty());
  EXPECT_THAT(scheduler.ready(0, 0), IsEmpty());
  EXPECT_THAT(ranks_started(scheduler.ready(1, 0)), ElementsAre(0, 1, 2));
}

TEST(Scheduler, NeverLetsNarrowJobsStarveAWideOne) {
  Scheduler scheduler({{1, 10}, {2, 5}, {1, 11}, {1, 11}}, 2);
  scheduler.ready(0, 0);
  EXPECT_THAT(scheduler.ready(1, 0), IsEmpty());
  scheduler.ended(0, 10);
  EXPECT_THAT(ranks_started(scheduler.ready(0, 10)), ElementsAre(0, 1));
}

TEST(Scheduler, FillsTheWaitForAWideJobWithWhatEndsInTime) {
  Scheduler scheduler({{1, 10}, {2, 5}, {1, 12}, {1, 3}}, 2);
  scheduler.ready(0, 0);
  const auto starts = scheduler.ready(1, 0);
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].job, 3U);
}

TEST(Scheduler, GivesTheJobOfALostRankToAnother) {
  Scheduler scheduler({{1, 5}}, 2);
  scheduler.ready(0, 0);
  scheduler.ready(1, 0);
  scheduler.lost(0, 1);
  EXPECT_THAT(ranks_started(scheduler.starts(1)), ElementsAre(1));
}

TEST(Scheduler, DoesNotStartADroppedJobOfALostRankAgain) {
  Scheduler scheduler({{1, 5}}, 2);
  scheduler.ready(0, 0);
  scheduler.ready(1, 0);
  scheduler.lost(0, 1);
  scheduler.dropped(0);
  EXPECT_THAT(scheduler.starts(1), IsEmpty());
  EXPECT_TRUE(scheduler.all_over());
}

TEST(Scheduler, RunsAWideJobOnTheRanksThatAreLeft) {
  Scheduler scheduler({{3, 5}}, 3);
  scheduler.ready(0, 0);
  scheduler.ready(1, 0);
  scheduler.lost(2, 1);
  EXPECT_THAT(ranks_started(scheduler.starts(1)), ElementsAre(0, 1));
}

TEST(Scheduler, ForgetsALostRankThatAsks) {
  Scheduler scheduler({{1, 5}}, 2);
  scheduler.lost(1, 0);
  EXPECT_THAT(scheduler.ready(1, 0), IsEmpty());
}

TEST(Scheduler, IsOverWhenNothingWaitsOrRuns) {
  Scheduler scheduler({{1, 5}}, 1);
  scheduler.ready(0, 0);
  EXPECT_FALSE(scheduler.all_over());
  scheduler.ended(0, 5);
  EXPECT_TRUE(scheduler.all_over());
}

/// 800 trials whose sizes spread evenly over two decades, longest first.
std::vector<Job> two_decades() {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> decades(0, 2);
  std::vector<Job> jobs;
  for (int i = 0; i < 800; ++i) jobs.push_back({1, std::pow(10, decades(random))});
  std::ranges::sort(jobs, std::greater<>(), &Job::seconds);
  return jobs;
}

TEST(Simulation, OfExactCostsEndsWithinTwoPercentOfTheBound) {
  const std::vector<Job> jobs = two_decades();
  EXPECT_LE(simulate(jobs, 32).makespan_s, 1.02 * lower_bound_s(jobs, 32));
}

TEST(Simulation, OfCostsThatAreWrongEndsWithinSixPercentOfTheBound) {
  const std::vector<Job> jobs = two_decades();
  std::mt19937 random(11);
  std::lognormal_distribution<double> error(0, 0.5);
  std::vector<double> actual;
  std::vector<Job> as_it_was;
  for (const Job& job : jobs) {
    actual.push_back(job.seconds * error(random));
    as_it_was.push_back({job.width, actual.back()});
  }
  EXPECT_LE(simulate(jobs, 32, actual).makespan_s, 1.06 * lower_bound_s(as_it_was, 32));
}

TEST(Simulation, NeverBeatsTheBoundWhateverTheWidths) {
  std::mt19937 random(3);
  for (int turn = 0; turn < 20; ++turn) {
    std::vector<Job> jobs;
    for (int i = 0; i < 60; ++i) {
      jobs.push_back({std::int64_t{1} << (random() % 4), 1.0 + static_cast<double>(random() % 100)});
    }
    const Simulation run = simulate(jobs, 8);
    EXPECT_GE(run.makespan_s, lower_bound_s(jobs, 8) * (1 - 1e-9));
    EXPECT_LE(run.makespan_s, 2 * lower_bound_s(jobs, 8));
  }
}

}  // namespace
}  // namespace peftgrid::orchestrator
