#include "worker/training/best_step.hpp"

#include <cmath>

namespace peftgrid::worker {

void BestStep::offer(std::int64_t step, double score, const at::Tensor& values) {
  const double best = progress_.best_score;
  const bool better = metric_.better(score, best) || (std::isnan(best) && !std::isnan(score));
  if (values_.defined() && !better) {
    ++progress_.without_improvement;
    return;
  }
  values_ = values.clone();
  progress_.best_score = score;
  progress_.best_step = step;
  progress_.without_improvement = 0;
}

bool BestStep::undefined() const {
  return values_.defined() && std::isnan(progress_.best_score);
}

bool BestStep::out_of_patience(std::int64_t patience) const {
  return patience > 0 && progress_.without_improvement >= patience && !undefined();
}

}  // namespace peftgrid::worker
