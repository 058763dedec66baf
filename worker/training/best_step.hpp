#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace peftgrid::worker {

/// Among the steps that were scored on a trial's selection rows, the one whose values it keeps.
struct BestStep {
  at::Tensor values;  // undefined: no step has been scored
  double score = 0;   // NaN: of all steps so far the score is undefined
  std::int64_t step = 0;
  std::int64_t without_improvement = 0;  // scored steps since

  /// Takes a copy of `now` where its score is the best so far; a tie, and a score that is undefined (NaN), leave the
  /// earlier one.
  void offer(std::int64_t at_step, double with_score, const at::Tensor& now);
  /// Has any step been scored, and none with a number? Then no step is better than another, and the last one stays.
  bool undefined() const;
  /// Are there `patience` scored steps since the best? Never for 0, nor where scores say nothing.
  bool out_of_patience(std::int64_t patience) const;
};

}  // namespace peftgrid::worker
