#include "worker/training/best_step.hpp"

#include <cmath>

namespace peftgrid::worker {

void BestStep::offer(std::int64_t at_step, double with_score, const at::Tensor& now) {
  ++without_improvement;
  const bool better = with_score > score || (std::isnan(score) && !std::isnan(with_score));
  if (values.defined() && !better) return;
  values = now.clone();
  score = with_score;
  step = at_step;
  without_improvement = 0;
}

bool BestStep::undefined() const {
  return values.defined() && std::isnan(score);
}

bool BestStep::out_of_patience(std::int64_t patience) const {
  return patience > 0 && without_improvement >= patience && !undefined();
}

}  // namespace peftgrid::worker
