#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace peftgrid::standin {

/// One moment in a stream: what an event holds between two recordings.
class Mark {
 public:
  void pass();
  bool passed();
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool passed_ = false;
};

/// Work in order, in a thread of its own. Work may outlast the object, as on a device.
class WorkQueue {
 public:
  WorkQueue();
  ~WorkQueue();
  void push(std::function<void()> work);
  void wait_until_idle();

 private:
  struct State;
  static void work_through(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace peftgrid::standin
