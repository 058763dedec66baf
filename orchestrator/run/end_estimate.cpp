#include "orchestrator/run/end_estimate.hpp"

#include <algorithm>

namespace peftgrid::orchestrator {

void EndEstimate::look(const std::vector<Waiting>& waiting, const std::vector<Running>& running, double ranks,
                       double now_s) {
  // A trial that takes longer than was predicted is always taken for nearly done.
  constexpr double kNearlyDone = 0.05;
  const double truth = predicted_s_ > 0 ? took_s_ / predicted_s_ : 1;
  double work_s = 0, longest_s = 0;
  const auto add = [&](double left_s, double of_ranks) {
    work_s += left_s * of_ranks;
    longest_s = std::max(longest_s, left_s);
  };
  for (const Waiting& trial : waiting) add(truth * trial.predicted_s, trial.ranks);
  for (const Running& trial : running) {
    const double whole_s = truth * trial.predicted_s;
    add(std::max(whole_s - (now_s - trial.since_s), kNearlyDone * whole_s), trial.ranks);
  }
  looked_at_s_ = now_s;
  ends_at_s_ = now_s + std::max(work_s / std::max(1.0, ranks), longest_s);
}

void EndEstimate::finished(double predicted_s, double took_s) {
  predicted_s_ += predicted_s;
  took_s_ += took_s;
}

double EndEstimate::left_s(double now_s) const {
  return std::max(0.0, ends_at_s_ - now_s);
}

}  // namespace peftgrid::orchestrator
