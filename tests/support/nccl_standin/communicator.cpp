#include "tests/support/nccl_standin/communicator.hpp"

#include <signal.h>
#include <unistd.h>

#include <thread>

using peftgrid::standin::Answer;
using peftgrid::standin::Call;
using peftgrid::standin::Fault;

namespace {
constexpr const char* kHubHasLeft = "the rank that made the unique id has left";
}

ncclComm::ncclComm(std::string hub, int rank, int size, int device)
    : hub_(std::move(hub)),
      rank_(rank),
      size_(size),
      device_(device),
      fault_(peftgrid::standin::fault_from_environment()),
      socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}

void ncclComm::join() {
  run([&] {
    inject(0);
    if (state() != ncclInProgress) return;
    {
      const std::lock_guard lock(mutex_);
      if (aborted_) return;  // its socket is shut down once, now or later: never before it is connected
      if (!peftgrid::standin::with_address(connect, socket_, hub_)) {
        state_ = ncclRemoteError;
        last_error_ = kHubHasLeft;
        return;
      }
    }
    Call call;
    call.rank = rank_;
    call.size = size_;
    if (exchange(call, nullptr)) set_state(ncclSuccess);
  });
}

ncclResult_t ncclComm::launch(float* values, std::size_t count, cudaStream_t stream) {
  Call call;
  call.kind = Call::Sum;
  call.rank = rank_;
  call.size = size_;
  call.type = ncclFloat32;
  call.operation = ncclSum;
  call.number = ++sums_;
  call.count = count;
  stream_ = stream;
  if (call.number > 1) {
    enqueue(values, call, stream);
    return ncclSuccess;
  }
  set_state(ncclInProgress);
  std::thread([self = shared_from_this(), values, call, stream] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    self->enqueue(values, call, stream);
    self->set_state(ncclSuccess);
  }).detach();
  return ncclInProgress;
}

void ncclComm::enqueue(float* values, const Call& call, cudaStream_t stream) {
  struct Work {
    std::shared_ptr<ncclComm> communicator;
    float* values;
    Call call;
  };
  const std::lock_guard lock(mutex_);
  if (aborted_) return;  // its stream may be gone
  cudaLaunchHostFunc(
      stream,
      [](void* data) {
        const std::unique_ptr<Work> work(static_cast<Work*>(data));
        work->communicator->sum(work->values, work->call);
      },
      new Work{shared_from_this(), values, call});
}

void ncclComm::sum(float* values, const Call& call) {
  run([&] {
    inject(static_cast<int>(call.number));
    const bool failed = state() != ncclSuccess && state() != ncclInProgress;
    if (failed || !exchange(call, values)) wait_for_abort();
  });
}

/// Work that an abort waits for, and that does not begin after one.
void ncclComm::run(const std::function<void()>& work) {
  {
    const std::lock_guard lock(mutex_);
    if (aborted_) return;
    ++running_;
  }
  work();
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

/// Says what this rank is about to do, and takes the answer.
bool ncclComm::exchange(const Call& call, float* values) {
  const std::size_t bytes = call.count * sizeof(float);
  // Where the hub is gone, its last word may still lie there: it is read all the same.
  peftgrid::standin::send_all(socket_, &call, sizeof call) && peftgrid::standin::send_all(socket_, values, bytes);
  Answer answer;
  if (!peftgrid::standin::receive_all(socket_, &answer, sizeof answer)) {
    fail(ncclRemoteError, kHubHasLeft);
    return false;
  }
  if (answer.result != ncclSuccess) {
    std::string why(answer.length, '\0');
    peftgrid::standin::receive_all(socket_, why.data(), why.size());
    fail(answer.result, why);
    return false;
  }
  if (peftgrid::standin::receive_all(socket_, values, bytes)) return true;
  fail(ncclRemoteError, kHubHasLeft);
  return false;
}

void ncclComm::inject(int sum) {
  if (fault_.kind == Fault::None || fault_.rank != rank_ || fault_.sum != sum) return;
  if (fault_.kind == Fault::Death) kill(getpid(), SIGKILL);
  if (fault_.kind == Fault::Hang) wait_for_abort();
  if (fault_.kind == Fault::Error) fail(ncclUnhandledCudaError, "injected");
}

void ncclComm::abort() {
  std::unique_lock lock(mutex_);
  aborted_ = true;
  shutdown(socket_, SHUT_RDWR);
  changed_.notify_all();
  changed_.wait(lock, [&] { return running_ == 0; });
  close(socket_);
}

ncclResult_t ncclComm::state() {
  const std::lock_guard lock(mutex_);
  return state_;
}

void ncclComm::set_state(ncclResult_t state) {
  const std::lock_guard lock(mutex_);
  if (state_ == ncclInProgress || state_ == ncclSuccess) state_ = state;
}

void ncclComm::fail(ncclResult_t result, const std::string& why) {
  const std::lock_guard lock(mutex_);
  // The first failure is the one that explains; a text that was handed out stays where it is.
  if (state_ != ncclInProgress && state_ != ncclSuccess) return;
  last_error_ = why;
  state_ = result;
}

void ncclComm::wait_for_abort() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return aborted_; });
}
