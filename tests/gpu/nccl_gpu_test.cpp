// Sums over the real NCCL, one rank a GPU, against sums of the CPU. Started by tests/gpu/run.sh.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <latch>

#include "collectives/cuda_handles.hpp"
#include "tests/support/group_promises.hpp"
#include "tests/support/nccl_ranks.hpp"
#include "tests/support/rank_main.hpp"

namespace peftgrid::tests {
namespace {

using collectives::CommError;
using collectives::Group;
using testing::HasSubstr;

constexpr std::size_t kCount = 300007;  // a LoRA's worth of gradients, and not a round number

/// Gradient-like numbers: of both signs and many sizes.
float value_of(int rank, std::size_t i) {
  const auto mixed = static_cast<std::uint32_t>(i * 2654435761U) ^ static_cast<std::uint32_t>(rank + 1) * 40503U;
  return std::ldexp(static_cast<float>(mixed % 2001) - 1000.0F, static_cast<int>(mixed % 23) - 20);
}

std::vector<float> values_of(int rank) {
  std::vector<float> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = value_of(rank, i);
  return values;
}

/// Compares a sum with the CPU's in double precision: each addition may err by half a unit in the last place.
void expect_the_cpus_sum(const std::vector<float>& sum, int ranks) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    double expected = 0, sizes = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      expected += value_of(rank, i);
      sizes += std::abs(value_of(rank, i));
    }
    wrong += std::abs(sum[i] - expected) > 6e-8 * ranks * sizes ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0U) << "of " << kCount;
}

void expect_the_same_bytes_on_all_ranks(Group& group, const std::vector<float>& values) {
  const std::string mine(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  EXPECT_TRUE(broadcast_text(group, mine, 0, soon()) == mine);
}

TEST(NcclOnGpus, SumsOfHostMemoryAreTheCpusAndTheSameBytesOnAllRanks) {
  const auto group = nccl_group();
  std::vector<float> values = values_of(group->rank());
  group->all_reduce(values, soon());
  expect_the_cpus_sum(values, group->size());
  expect_the_same_bytes_on_all_ranks(*group, values);
}

TEST(NcclOnGpus, KeepsEveryPromiseButTheOrderOfAdditions) {
  const auto group = nccl_group();
  for (const Promise& promise : group_promises()) {
    if (promise.name == "AllReduceAddsInRankOrder") continue;
    SCOPED_TRACE(promise.name);
    promise.keep(*group);
  }
}

TEST(NcclOnGpus, AnEnqueuedSumComesAfterTheWorkOfTheComputeStreamWithoutTheHost) {
  const auto group = nccl_group();
  std::vector<float> values = values_of(group->rank());
  const auto memory = collectives::make_device_floats(kCount);
  const auto compute = collectives::make_stream();
  const std::size_t bytes = kCount * sizeof(float);
  ASSERT_EQ(cudaMemcpyAsync(memory.get(), values.data(), bytes, cudaMemcpyHostToDevice, compute.get()), cudaSuccess);
  std::latch host_has_gone_on(1);
  const auto wait = [](void* latch) { static_cast<std::latch*>(latch)->wait(); };
  ASSERT_EQ(cudaLaunchHostFunc(compute.get(), wait, &host_has_gone_on), cudaSuccess);
  group->enqueue_all_reduce({memory.get(), kCount}, compute.get(), soon());
  host_has_gone_on.count_down();
  group->finish(soon());
  ASSERT_EQ(cudaMemcpyAsync(values.data(), memory.get(), bytes, cudaMemcpyDeviceToHost, compute.get()), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(compute.get()), cudaSuccess);
  expect_the_cpus_sum(values, group->size());
}

TEST(NcclOnGpus, WhereOneRankFailsTheOthersEndWithinTheDeadlineAndCanBeginAgain) {
  {
    const auto group = nccl_group();
    const int last = group->size() - 1;
    std::vector<float> on_host(kCount);
    const auto memory = collectives::make_device_floats(kCount);
    const auto compute = collectives::make_stream();
    const std::span<float> values =
        group->rank() == last ? std::span(on_host) : std::span(memory.get(), kCount);  // refused on the last rank
    group->enqueue_all_reduce(values, compute.get(), soon());
    const auto begin = std::chrono::steady_clock::now();
    try {
      group->finish({"step", 4});
      FAIL() << "no error";
    } catch (const CommError& error) {
      EXPECT_THAT(error.what(), HasSubstr("step: rank " + std::to_string(last)));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6));
    EXPECT_EQ(cudaStreamSynchronize(compute.get()), cudaSuccess) << "the compute stream is free again";
  }
  std::vector<float> values = values_of(session().rank());
  nccl_group()->all_reduce(values, soon());
  expect_the_cpus_sum(values, session().size());
}

}  // namespace
}  // namespace peftgrid::tests
