#pragma once

#include <chrono>
#include <string>

namespace peftgrid::collectives {

/// Until when a wait may last, and in which phase of the program it happens.
class Deadline {
 public:
  Deadline(std::string phase, double timeout_s)
      : phase_(std::move(phase)),
        timeout_s_(timeout_s),
        end_(std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                    std::chrono::duration<double>(timeout_s))) {}
  bool passed() const { return std::chrono::steady_clock::now() >= end_; }
  const std::string& phase() const { return phase_; }
  double timeout_s() const { return timeout_s_; }
  std::chrono::steady_clock::time_point end() const { return end_; }

 private:
  std::string phase_;
  double timeout_s_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace peftgrid::collectives
