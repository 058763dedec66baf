#include "tests/support/nccl_standin/stream.hpp"

#include <deque>
#include <thread>

namespace peftgrid::standin {

void Mark::pass() {
  const std::lock_guard lock(mutex_);
  passed_ = true;
  changed_.notify_all();
}

bool Mark::passed() {
  const std::lock_guard lock(mutex_);
  return passed_;
}

void Mark::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return passed_; });
}

struct WorkQueue::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool busy = false, closed = false;
};

WorkQueue::WorkQueue() : state_(std::make_shared<State>()) {
  std::thread(work_through, state_).detach();
}

WorkQueue::~WorkQueue() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->changed.notify_all();
}

void WorkQueue::push(std::function<void()> work) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  state_->changed.notify_all();
}

void WorkQueue::wait_until_idle() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->queue.empty() && !state_->busy; });
}

void WorkQueue::work_through(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->closed || !state->queue.empty(); });
    if (state->queue.empty()) return;
    const auto work = std::move(state->queue.front());
    state->queue.pop_front();
    state->busy = true;
    lock.unlock();
    work();
    lock.lock();
    state->busy = false;
    state->changed.notify_all();
  }
}

}  // namespace peftgrid::standin
