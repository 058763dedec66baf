// What a Group promises, with ranks as threads of this process.
#include <gtest/gtest.h>

#include "collectives/checked_group.hpp"
#include "collectives/thread_group.hpp"
#include "tests/support/group_promises.hpp"

namespace peftgrid::tests {
namespace {

using collectives::Group;

/// `checked` owns its group; the test's threads only borrow theirs.
class Borrowed : public Group {
 public:
  explicit Borrowed(Group& group) : group_(group) {}
  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  void broadcast(std::span<std::byte> bytes, int root, collectives::Deadline deadline) override {
    group_.broadcast(bytes, root, deadline);
  }
  void all_reduce(std::span<float> values, collectives::Deadline deadline) override {
    group_.all_reduce(values, deadline);
  }
  std::vector<std::string> gather(const std::string& mine, int root, collectives::Deadline deadline) override {
    return group_.gather(mine, root, deadline);
  }
  void barrier(collectives::Deadline deadline) override { group_.barrier(deadline); }
  collectives::Verdict agree(const std::optional<std::string>& trouble, collectives::Deadline deadline) override {
    return group_.agree(trouble, deadline);
  }
  [[noreturn]] void abort(int exit_code) override {
    group_.abort(exit_code);
    std::abort();
  }

 private:
  Group& group_;
};

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
      const auto checked = collectives::checked(std::make_unique<Borrowed>(group));
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
    const auto checked = collectives::checked(std::make_unique<Borrowed>(group));
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
