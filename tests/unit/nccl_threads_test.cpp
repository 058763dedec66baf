// Groups over NCCL whose ranks are threads of this process: what the thread sanitizer can look at.
#include <gtest/gtest.h>

#include <cstdlib>

#include "collectives/cuda_device.hpp"
#include "collectives/gang.hpp"
#include "collectives/thread_group.hpp"
#include "tests/support/borrowed_group.hpp"
#include "tests/support/group_promises.hpp"

namespace peftgrid::tests {
namespace {

using collectives::CommError;
using collectives::Group;

std::unique_ptr<Group> gang_over_nccl(Group& threads) {
  collectives::choose_cuda_device(threads, soon());
  return collectives::make_gang_group(std::make_unique<BorrowedGroup>(threads), collectives::Carrier::Nccl, soon());
}

class NcclThreads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, NcclThreads, testing::Values(1, 2, 3, 4));

TEST_P(NcclThreads, KeepEveryPromise) {
  collectives::run_as_threads(GetParam(), [](Group& threads) {
    const auto gang = gang_over_nccl(threads);
    for (const Promise& promise : group_promises()) {
      SCOPED_TRACE(promise.name);
      promise.keep(*gang);
    }
  });
}

TEST_P(NcclThreads, AllLearnOfAnErrorOnOne) {
  const std::string last = std::to_string(GetParam() - 1);
  setenv("PEFTGRID_NCCL_FAULT", ("error " + last + " 2").c_str(), 1);
  collectives::run_as_threads(GetParam(), [&](Group& threads) {
    const auto gang = gang_over_nccl(threads);
    std::vector<float> values(1003, 1.0F);
    gang->all_reduce(values, soon());
    try {
      gang->all_reduce(values, soon("gradients"));
      ADD_FAILURE() << "no error";
    } catch (const CommError& error) {
      EXPECT_NE(std::string(error.what()).find("gradients: rank " + last + ":"), std::string::npos) << error.what();
    }
  });
  unsetenv("PEFTGRID_NCCL_FAULT");
}

TEST(Gang, OverMpiIsTheBootstrapGroupItself) {
  collectives::run_as_threads(2, [](Group& threads) {
    auto bootstrap = std::make_unique<BorrowedGroup>(threads);
    const Group* const same = bootstrap.get();
    EXPECT_EQ(collectives::make_gang_group(std::move(bootstrap), collectives::Carrier::Mpi, soon()).get(), same);
  });
}

}  // namespace
}  // namespace peftgrid::tests
