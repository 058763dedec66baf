#include "collectives/thread_group.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace peftgrid::collectives {

namespace {

/// What the ranks share: one slot each, and a barrier that counts generations.
struct Meeting {
  explicit Meeting(int ranks) : slots(static_cast<std::size_t>(ranks)) {}
  std::mutex mutex;
  std::condition_variable all_here;
  std::size_t waiting = 0;
  std::uint64_t generation = 0;
  std::vector<std::string> slots;
};

class ThreadGroup : public Group {
 public:
  ThreadGroup(std::shared_ptr<Meeting> meeting, int rank) : meeting_(std::move(meeting)), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(meeting_->slots.size()); }

  void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) override {
    const auto all = exchange(rank_ == root ? text_of(bytes) : std::string(), deadline);
    const std::string& from = all[static_cast<std::size_t>(root)];
    if (from.size() != bytes.size()) {
      throw CommError(deadline.phase() + ": rank " + std::to_string(rank_) + " expects " +
                      std::to_string(bytes.size()) + " bytes, rank " + std::to_string(root) + " sends " +
                      std::to_string(from.size()));
    }
    std::transform(from.begin(), from.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  }

  void all_reduce(std::span<float> values, Deadline deadline) override {
    const auto all = exchange(text_of(std::as_bytes(values)), deadline);
    std::fill(values.begin(), values.end(), -0.0F);  // what leaves any first number as it is
    for (const std::string& from : all) {
      if (from.size() != values.size_bytes()) throw CommError(deadline.phase() + ": unlike counts in all_reduce");
      for (std::size_t i = 0; i < values.size(); ++i) {
        float value = 0;
        std::memcpy(&value, from.data() + i * sizeof(float), sizeof(float));
        values[i] += value;
      }
    }
  }

  std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) override {
    auto all = exchange(mine, deadline);
    return rank_ == root ? all : std::vector<std::string>();
  }

  void barrier(Deadline deadline) override { exchange({}, deadline); }

  Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) override {
    const auto all = exchange(trouble ? "!" + *trouble : std::string(), deadline);
    for (std::size_t r = 0; r < all.size(); ++r) {
      if (!all[r].empty()) return {false, static_cast<int>(r), all[r].substr(1)};
    }
    return {};
  }

  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }

 private:
  static std::string text_of(std::span<const std::byte> bytes) {
    std::string text(bytes.size(), '\0');
    std::transform(bytes.begin(), bytes.end(), text.begin(), [](std::byte b) { return static_cast<char>(b); });
    return text;
  }

  /// Each rank lays down a text; all see all of them. Two barriers, so that no rank overwrites what another still
  /// reads.
  std::vector<std::string> exchange(std::string mine, const Deadline& deadline) {
    {
      const std::lock_guard lock(meeting_->mutex);
      meeting_->slots[static_cast<std::size_t>(rank_)] = std::move(mine);
    }
    meet(deadline);
    auto all = meeting_->slots;
    meet(deadline);
    return all;
  }

  void meet(const Deadline& deadline) {
    std::unique_lock lock(meeting_->mutex);
    const std::uint64_t mine = meeting_->generation;
    if (++meeting_->waiting == meeting_->slots.size()) {
      meeting_->waiting = 0;
      ++meeting_->generation;
      meeting_->all_here.notify_all();
      return;
    }
    if (!meeting_->all_here.wait_until(lock, deadline.end(), [&] { return meeting_->generation != mine; })) {
      throw CommError(deadline.phase() + ": rank " + std::to_string(rank_) + " waited " +
                      std::to_string(deadline.timeout_s()) + " s for " +
                      std::to_string(meeting_->slots.size() - meeting_->waiting) + " rank(s) that did not come");
    }
  }

  std::shared_ptr<Meeting> meeting_;
  int rank_;
};

}  // namespace

void run_as_threads(int ranks, const std::function<void(Group&)>& body) {
  auto meeting = std::make_shared<Meeting>(ranks);
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ThreadGroup group(meeting, rank);
        body(group);
      } catch (...) {
        thrown[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

}  // namespace peftgrid::collectives
