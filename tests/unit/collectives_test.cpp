// What a Group promises, with ranks as threads of this process.
#include <gtest/gtest.h>

#include "collectives/checked_group.hpp"
#include "collectives/thread_group.hpp"
#include "tests/support/borrowed_group.hpp"
#include "tests/support/group_promises.hpp"

namespace peftgrid::tests {
namespace {

using collectives::Group;

class Threads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Threads, testing::Values(1, 2, 3, 4));

TEST_P(Threads, KeepEveryPromise) {
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    collectives::run_as_threads(GetParam(), promise.keep);
  }
}

TEST_P(Threads, KeepEveryPromiseUnderTheCheckingDecorator) {
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    collectives::run_as_threads(GetParam(), [&](Group& group) {
      const auto checked = collectives::checked(std::make_unique<BorrowedGroup>(group));
      promise.keep(*checked);
    });
  }
}

TEST_P(Threads, ADeadlineThatPassesNamesItsPhase) {
  if (GetParam() == 1) GTEST_SKIP() << "one rank waits for nobody";
  collectives::run_as_threads(GetParam(), a_deadline_that_passes_names_its_phase);
}

TEST_P(Threads, UnlikeCallsAreLearntByAll) {
  if (GetParam() == 1) GTEST_SKIP() << "one rank is always at one with itself";
  collectives::run_as_threads(GetParam(), [](Group& group) {
    const auto checked = collectives::checked(std::make_unique<BorrowedGroup>(group));
    unlike_calls_are_learnt_by_all(*checked);
  });
}

TEST(RunAsThreads, RethrowsTheLowestRanksExceptionWhenAllHaveEnded) {
  int ended = 0;
  try {
    collectives::run_as_threads(4, [&](Group& group) {
      group.barrier(soon());
      if (group.rank() == 0) {
        ++ended;
        return;
      }
      throw std::runtime_error("rank " + std::to_string(group.rank()));
    });
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "rank 1");
  }
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace peftgrid::tests
