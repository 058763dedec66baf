#pragma once

#include <nccl.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "tests/support/nccl_standin/fault.hpp"
#include "tests/support/nccl_standin/wire.hpp"

/// One rank's end of a communicator. Shared by the calls' thread, the one that joins, and the stream's.
struct ncclComm : std::enable_shared_from_this<ncclComm> {
  ncclComm(std::string hub, int rank, int size, int device);

  /// Connects to the hub and waits for the others; in a thread of its own.
  void join();
  /// On a stream: sends the values, waits, receives the sum. After a failure it lasts until abort, as a kernel would.
  void sum(float* values, const peftgrid::standin::Call& call);
  void abort();

  /// Queues a sum on its stream. The first call goes on in the background: a real communicator connects then.
  ncclResult_t launch(float* values, std::size_t count, cudaStream_t stream);

  ncclResult_t state();
  void fail(ncclResult_t result, const std::string& why);
  const std::string& last_error() const { return last_error_; }
  int device() const { return device_; }
  int rank() const { return rank_; }
  cudaStream_t stream() const { return stream_; }

 private:
  void run(const std::function<void()>& work);
  void inject(int sum);
  bool exchange(const peftgrid::standin::Call& call, float* values);
  void enqueue(float* values, const peftgrid::standin::Call& call, cudaStream_t stream);
  void set_state(ncclResult_t state);
  void wait_for_abort();

  const std::string hub_;
  const int rank_, size_, device_;
  const peftgrid::standin::Fault fault_;
  int socket_ = -1;
  cudaStream_t stream_ = nullptr;
  std::uint64_t sums_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  ncclResult_t state_ = ncclInProgress;
  std::string last_error_;
  bool aborted_ = false;
  int running_ = 0;
};
