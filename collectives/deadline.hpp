#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace peftgrid::collectives {

/// Until when a wait may last, and in which phase of the program it happens.
class Deadline {
 public:
  /// `given_up`, asked now and then by who waits: true ends the wait at once, as the deadline itself would.
  Deadline(std::string phase, double timeout_s, std::function<bool()> given_up = {})
      : phase_(std::move(phase)),
        timeout_s_(timeout_s),
        given_up_(std::move(given_up)),
        end_(std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                    std::chrono::duration<double>(timeout_s))) {}
  bool passed() const { return std::chrono::steady_clock::now() >= end_ || (given_up_ && given_up_()); }
  /// The same wait with less time for it.
  Deadline within(double timeout_s) const { return {phase_, timeout_s, given_up_}; }
  const std::string& phase() const { return phase_; }
  double timeout_s() const { return timeout_s_; }
  std::chrono::steady_clock::time_point end() const { return end_; }

 private:
  std::string phase_;
  double timeout_s_;
  std::function<bool()> given_up_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace peftgrid::collectives
