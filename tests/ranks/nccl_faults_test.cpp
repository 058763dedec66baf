// Faults that the stand-in for NCCL injects on one rank: every rank ends in the same CommError, within its deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "collectives/cuda_handles.hpp"
#include "tests/support/group_promises.hpp"
#include "tests/support/nccl_ranks.hpp"
#include "tests/support/rank_main.hpp"

namespace peftgrid::tests {
namespace {

using collectives::CommError;
using testing::AllOf;
using testing::HasSubstr;

constexpr double kDeadline_s = 1.2;
/// What a loaded machine may add before an error that has come is seen.
constexpr double kSlack_s = 0.5;

/// A fault for the communicators that are made while it lives.
class Injected {
 public:
  Injected(const std::string& kind, int rank, int sum) {
    setenv("PEFTGRID_NCCL_FAULT", (kind + " " + std::to_string(rank) + " " + std::to_string(sum)).c_str(), 1);
  }
  Injected(const Injected&) = delete;
  Injected& operator=(const Injected&) = delete;
  ~Injected() { unsetenv("PEFTGRID_NCCL_FAULT"); }
};

/// The text of the CommError in which `call` ends; empty when it ends well, or too late.
template <typename Call>
std::string error_of(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  std::string what;
  try {
    call();
  } catch (const CommError& error) {
    what = error.what();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_LT(seconds, kDeadline_s + kSlack_s);
  return seconds < kDeadline_s + kSlack_s ? what : "";
}

std::string error_of_making() {
  return error_of([] { collectives::make_nccl_group(session().group(), {"making a gang", kDeadline_s}); });
}

std::string error_of_sum(collectives::Group& group) {
  std::vector<float> values(1003, 1.0F);
  return error_of([&] { group.all_reduce(values, {"gradients", kDeadline_s}); });
}

void expect_the_same_on_all_ranks(const std::string& what) {
  const auto group = session().group();
  EXPECT_EQ(broadcast_text(*group, what, 0, soon()), what);
}

/// The first and the last rank: the one through which the stand-in's sums go, and another.
std::vector<int> victims() {
  return session().size() == 1 ? std::vector{0} : std::vector{0, session().size() - 1};
}

TEST(NcclFaults, AnErrorInTheMakingIsThrownOnAllRanksWithItsRankAndReason) {
  const Injected fault("error", 0, 0);
  const std::string what = error_of_making();
  EXPECT_THAT(what, AllOf(HasSubstr("making a gang: rank 0:"), HasSubstr("injected")));
  expect_the_same_on_all_ranks(what);
}

TEST(NcclFaults, AnErrorInASumIsThrownOnAllRanksWithItsRankAndReason) {
  for (const int victim : victims()) {
    for (const int sum : {1, 3}) {
      const Injected fault("error", victim, sum);
      const auto group = nccl_group();
      for (int i = 1; i < sum; ++i) EXPECT_EQ(error_of_sum(*group), "");
      const std::string what = error_of_sum(*group);
      EXPECT_THAT(what, AllOf(HasSubstr("gradients: rank " + std::to_string(victim) + ":"), HasSubstr("injected")));
      expect_the_same_on_all_ranks(what);
    }
  }
}

TEST(NcclFaults, AnErrorInAnEnqueuedSumIsThrownByFinishOnAllRanks) {
  const int victim = session().size() - 1;
  const Injected fault("error", victim, 2);
  const auto group = nccl_group();
  EXPECT_EQ(error_of_sum(*group), "");
  constexpr std::size_t kCount = 1003;
  const auto memory = collectives::make_device_floats(kCount);
  const auto compute = collectives::make_stream();
  group->enqueue_all_reduce({memory.get(), kCount}, compute.get(), soon());
  const std::string what = error_of([&] { group->finish({"the step", kDeadline_s}); });
  EXPECT_THAT(what, AllOf(HasSubstr("the step: rank " + std::to_string(victim) + ":"), HasSubstr("injected")));
  expect_the_same_on_all_ranks(what);
}

TEST(NcclFaults, ARankThatHangsInTheMakingIsNoticedOnAllRanksWithinTheDeadline) {
  const Injected fault("hang", session().size() - 1, 0);
  const std::string what = error_of_making();
  EXPECT_THAT(what, AllOf(HasSubstr("making a gang: rank "), HasSubstr("waited")));
  expect_the_same_on_all_ranks(what);
}

TEST(NcclFaults, ARankThatHangsInASumIsNoticedOnAllRanksWithinTheDeadline) {
  const Injected fault("hang", 0, 2);
  const auto group = nccl_group();
  EXPECT_EQ(error_of_sum(*group), "");
  const std::string what = error_of_sum(*group);
  EXPECT_THAT(what, AllOf(HasSubstr("gradients: rank "), HasSubstr("waited")));
  expect_the_same_on_all_ranks(what);
}

TEST(NcclFaults, AfterAnErrorEveryCallRepeatsIt) {
  const Injected fault("error", 0, 1);
  const auto group = nccl_group();
  const std::string first = error_of_sum(*group);
  const auto repeated = AllOf(HasSubstr("failed before"), HasSubstr(first));
  EXPECT_THAT(error_of_sum(*group), repeated);
  EXPECT_THAT(error_of([&] { group->barrier(soon()); }), repeated);
  EXPECT_THAT(error_of([&] { group->agree({}, soon()); }), repeated);
  EXPECT_THAT(error_of([&] { group->gather("", 0, soon()); }), repeated);
  EXPECT_THAT(error_of([&] { group->finish(soon()); }), repeated);
}

TEST(NcclFaults, AfterAFailedGroupTheSameRanksCanMakeAnother) {
  {
    const Injected fault("error", session().size() - 1, 1);
    EXPECT_NE(error_of_sum(*nccl_group()), "");
  }
  std::vector<float> values(7, 1.0F);
  nccl_group()->all_reduce(values, soon());
  EXPECT_THAT(values, testing::Each(static_cast<float>(session().size())));
}

}  // namespace
}  // namespace peftgrid::tests
