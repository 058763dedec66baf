// What the stand-ins for NCCL and the CUDA runtime refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nccl.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <thread>

#include "collectives/cuda_handles.hpp"

namespace peftgrid::tests {
namespace {

using collectives::make_device_floats;
using collectives::make_stream;
using testing::HasSubstr;

/// A communicator of one rank, made and ready; with a stream and four values on device 0.
class NcclStandin : public testing::Test {
 protected:
  NcclStandin() {
    ncclUniqueId id;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
    EXPECT_EQ(ncclCommInitRankConfig(&communicator_, 1, id, 0, &config), ncclInProgress);
    wait_until_ready();
  }
  ~NcclStandin() override {
    if (communicator_ != nullptr) ncclCommAbort(communicator_);
  }

  void wait_until_ready() {
    ncclResult_t state = ncclInProgress;
    for (; state == ncclInProgress; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
      EXPECT_EQ(ncclCommGetAsyncError(communicator_, &state), ncclSuccess);
    }
    EXPECT_EQ(state, ncclSuccess);
  }

  ncclResult_t sum(float* values, cudaStream_t stream, ncclDataType_t type = ncclFloat32,
                   ncclRedOp_t operation = ncclSum) {
    return ncclAllReduce(values, values, kCount, type, operation, communicator_, stream);
  }
  std::string last_error() { return ncclGetLastError(communicator_); }

  static constexpr std::size_t kCount = 4;
  ncclComm_t communicator_ = nullptr;
  collectives::Stream stream_ = make_stream();
  collectives::DeviceFloats values_ = make_device_floats(kCount);
};

TEST_F(NcclStandin, AnotherTypeThanFloat32IsRefused) {
  EXPECT_EQ(sum(values_.get(), stream_.get(), ncclFloat16), ncclInvalidUsage);
  EXPECT_THAT(last_error(), HasSubstr("float32"));
}

TEST_F(NcclStandin, AnotherOperationThanTheSumIsRefused) {
  EXPECT_EQ(sum(values_.get(), stream_.get(), ncclFloat32, ncclMax), ncclInvalidUsage);
}

TEST_F(NcclStandin, HostMemoryIsRefused) {
  std::vector<float> on_host(kCount);
  EXPECT_EQ(sum(on_host.data(), stream_.get()), ncclInvalidUsage);
  EXPECT_THAT(last_error(), HasSubstr("not in the memory of the communicator's device"));
}

TEST_F(NcclStandin, ValuesThatReachBeyondTheirMemoryAreRefused) {
  EXPECT_EQ(sum(values_.get() + 1, stream_.get()), ncclInvalidUsage);
}

TEST_F(NcclStandin, AStreamOfAnotherDeviceIsRefused) {
  cudaSetDevice(1);
  const auto elsewhere = make_stream();
  cudaSetDevice(0);
  EXPECT_EQ(sum(values_.get(), elsewhere.get()), ncclInvalidUsage);
  EXPECT_THAT(last_error(), HasSubstr("stream is of another device"));
}

TEST_F(NcclStandin, AnotherCurrentDeviceIsRefused) {
  cudaSetDevice(1);
  EXPECT_EQ(sum(values_.get(), stream_.get()), ncclInvalidUsage);
  cudaSetDevice(0);
}

TEST_F(NcclStandin, ASecondStreamIsRefused) {
  EXPECT_EQ(sum(values_.get(), stream_.get()), ncclInProgress);
  wait_until_ready();
  EXPECT_EQ(sum(values_.get(), make_stream().get()), ncclInvalidUsage);
  EXPECT_THAT(last_error(), HasSubstr("changes streams"));
}

TEST_F(NcclStandin, ACallWhileOneIsInProgressIsRefused) {
  EXPECT_EQ(sum(values_.get(), stream_.get()), ncclInProgress);
  EXPECT_EQ(sum(values_.get(), stream_.get()), ncclInvalidUsage);
  EXPECT_THAT(last_error(), HasSubstr("in progress"));
}

TEST_F(NcclStandin, ACallAfterAnAbortIsRefused) {
  ncclCommAbort(communicator_);
  EXPECT_EQ(sum(values_.get(), stream_.get()), ncclInvalidUsage);
  EXPECT_EQ(ncclCommAbort(communicator_), ncclInvalidUsage);
  communicator_ = nullptr;
}

TEST(NcclStandinMaking, ABlockingCommunicatorIsRefused) {
  ncclUniqueId id{};
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  ncclComm_t communicator = nullptr;
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, 1, id, 0, &config), ncclInvalidUsage);
  EXPECT_EQ(communicator, nullptr);
}

TEST(CudartStandin, ACopyBeyondTheMemoryOfTheDeviceIsRefused) {
  const auto stream = make_stream();
  const auto memory = make_device_floats(4);
  std::vector<float> five(5);
  EXPECT_EQ(cudaMemcpyAsync(memory.get(), five.data(), 20, cudaMemcpyHostToDevice, stream.get()),
            cudaErrorInvalidValue);
}

TEST(CudartStandin, AStreamThatWasDestroyedIsRefused) {
  const cudaStream_t stream = make_stream().release();
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
}

TEST(CudartStandin, AStreamKeepsOrder) {
  const auto stream = make_stream();
  const auto memory = make_device_floats(1);
  const float one = 1, two = 2;
  float seen = 0;
  cudaMemcpyAsync(memory.get(), &one, sizeof one, cudaMemcpyHostToDevice, stream.get());
  cudaMemcpyAsync(memory.get(), &two, sizeof two, cudaMemcpyHostToDevice, stream.get());
  cudaMemcpyAsync(&seen, memory.get(), sizeof seen, cudaMemcpyDeviceToHost, stream.get());
  EXPECT_EQ(seen, 2);
}

TEST(CudartStandin, AnEventComesWhenTheWorkBeforeItIsDoneAndHoldsUpAnotherStreamUntilThen) {
  const auto first = make_stream(), second = make_stream();
  const auto event = collectives::make_event();
  std::latch go(1);
  std::atomic<bool> done = false;
  std::pair state(&go, &done);
  const auto work = [](void* data) {
    const auto& [may_go, has_ended] = *static_cast<decltype(state)*>(data);
    may_go->wait();
    *has_ended = true;
  };
  bool done_when_second_went_on = false;
  std::pair seen(&done, &done_when_second_went_on);
  const auto look = [](void* data) {
    const auto& [has_ended, result] = *static_cast<decltype(seen)*>(data);
    *result = *has_ended;
  };
  cudaLaunchHostFunc(first.get(), work, &state);
  cudaEventRecord(event.get(), first.get());
  cudaStreamWaitEvent(second.get(), event.get(), 0);
  cudaLaunchHostFunc(second.get(), look, &seen);
  EXPECT_EQ(cudaEventQuery(event.get()), cudaErrorNotReady);
  go.count_down();
  cudaStreamSynchronize(second.get());
  EXPECT_TRUE(done_when_second_went_on);
  EXPECT_EQ(cudaEventQuery(event.get()), cudaSuccess);
}

TEST(CudartStandinDeathTest, WhatIsLeftOpenMakesTheProcessFail) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto leave_a_stream_open = [] {
    make_stream().release();
    std::exit(0);
  };
  EXPECT_EXIT(leave_a_stream_open(), testing::ExitedWithCode(70), "left open at exit: 1 streams");
}

}  // namespace
}  // namespace peftgrid::tests
