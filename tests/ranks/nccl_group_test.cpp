// What a Group over NCCL promises, between real ranks; the stand-in for NCCL adds in rank order, as all others do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "collectives/checked_group.hpp"
#include "collectives/cuda_handles.hpp"
#include "tests/support/group_promises.hpp"
#include "tests/support/nccl_ranks.hpp"
#include "tests/support/rank_main.hpp"

namespace peftgrid::tests {
namespace {

using collectives::CommError;
using testing::HasSubstr;

TEST(Nccl, KnowsItsRanks) {
  const auto group = nccl_group();
  EXPECT_EQ(group->size(), session().size());
  EXPECT_EQ(group->rank(), session().rank());
}

TEST(Nccl, KeepsEveryPromise) {
  const auto group = nccl_group();
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*group);
  }
}

TEST(Nccl, KeepsEveryPromiseUnderTheCheckingDecorator) {
  const auto group = collectives::checked(nccl_group());
  for (const Promise& promise : group_promises()) {
    SCOPED_TRACE(promise.name);
    promise.keep(*group);
  }
}

TEST(Nccl, UnlikeCallsAreLearntByAll) {
  if (session().size() == 1) GTEST_SKIP() << "one rank is always at one with itself";
  const auto group = collectives::checked(nccl_group());
  unlike_calls_are_learnt_by_all(*group);
}

TEST(Nccl, ADeadlineThatPassesNamesItsPhase) {
  if (session().size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  const auto group = nccl_group();
  a_deadline_that_passes_names_its_phase(*group);
}

/// Numbers in the memory of the current device, with a stream that computes on them.
struct Compute {
  explicit Compute(std::size_t count) : memory(collectives::make_device_floats(count)), values(memory.get(), count) {}

  /// Queues work on the stream. It is kept until the end.
  void then(std::function<void()> work) {
    const auto& kept = works.emplace_back(std::make_unique<std::function<void()>>(std::move(work)));
    const auto call = [](void* data) { (*static_cast<std::function<void()>*>(data))(); };
    ASSERT_EQ(cudaLaunchHostFunc(stream.get(), call, kept.get()), cudaSuccess);
  }

  std::vector<std::unique_ptr<std::function<void()>>> works;
  collectives::DeviceFloats memory;
  std::span<float> values;
  collectives::Stream stream = collectives::make_stream();
};

TEST(NcclEnqueued, ASumComesBetweenTheWorkBeforeAndAfterItWithoutTheHost) {
  const auto group = nccl_group();
  Compute compute(1003);
  std::latch host_has_gone_on(1);
  std::vector<float> seen(compute.values.size());
  compute.then([&] {
    host_has_gone_on.wait();
    std::fill(compute.values.begin(), compute.values.end(), static_cast<float>(group->rank() + 1));
  });
  group->enqueue_all_reduce(compute.values, compute.stream.get(), soon());
  compute.then([&] { std::copy(compute.values.begin(), compute.values.end(), seen.begin()); });
  host_has_gone_on.count_down();
  group->finish(soon());
  cudaStreamSynchronize(compute.stream.get());
  const float sum = static_cast<float>(group->size() * (group->size() + 1)) / 2;
  EXPECT_THAT(seen, testing::Each(sum));
}

TEST(NcclEnqueued, SumsOfManyStepsCanFollowEachOther) {
  const auto group = nccl_group();
  Compute compute(5);
  compute.then([&] { std::fill(compute.values.begin(), compute.values.end(), 1.0F); });
  float expected = 1;
  for (int step = 0; step < 4; ++step) {
    group->enqueue_all_reduce(compute.values, compute.stream.get(), soon());
    expected *= static_cast<float>(group->size());
  }
  group->finish(soon());
  EXPECT_THAT(std::vector<float>(compute.values.begin(), compute.values.end()), testing::Each(expected));
}

TEST(NcclEnqueued, HostMemoryIsRefusedOnAllRanksWhereOneGivesIt) {
  const auto group = nccl_group();
  Compute compute(5);
  std::vector<float> on_host(5);
  const bool mistaken = group->rank() == group->size() - 1;
  group->enqueue_all_reduce(mistaken ? std::span(on_host) : compute.values, compute.stream.get(), soon());
  try {
    group->finish({"step", 2});
    FAIL() << "no error";
  } catch (const CommError& error) {
    EXPECT_THAT(error.what(), HasSubstr("step: rank " + std::to_string(group->size() - 1) + ": enqueue_all_reduce"));
    EXPECT_THAT(error.what(), HasSubstr("takes memory of the device"));
  }
}

TEST(Nccl, UnlikeCountsAreAnErrorOnEveryRank) {
  if (session().size() == 1) GTEST_SKIP() << "one rank is always at one with itself";
  const auto group = nccl_group();
  std::vector<float> values(group->rank() == group->size() - 1 ? 3 : 4);
  try {
    group->all_reduce(values, {"step", 5});
    FAIL() << "no error";
  } catch (const CommError& error) {
    EXPECT_THAT(error.what(), HasSubstr("step: rank 0"));
    EXPECT_THAT(error.what(), HasSubstr("of 4 values"));
    EXPECT_THAT(error.what(), HasSubstr("of 3 values"));
  }
}

}  // namespace
}  // namespace peftgrid::tests
