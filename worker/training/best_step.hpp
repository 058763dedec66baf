#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/tasks/metrics.hpp"
#include "worker/training/state_file.hpp"

namespace peftgrid::worker {

/// Among the steps that were scored on a trial's selection rows, the one whose values it keeps. Which one that is, its
/// score and how long ago, stands in the trial's progress.
class BestStep {
 public:
  /// `metric` is what scores; both must outlive this.
  BestStep(TrainingProgress& progress, const Metric& metric) : progress_(progress), metric_(metric) {}

  /// Takes a copy of `values` where the score is the best so far; a tie, and an undefined score (NaN), leave the
  /// earlier one.
  void offer(std::int64_t step, double score, const at::Tensor& values);
  /// Where an earlier start was: `values` belong to its progress.
  void resume(at::Tensor values) { values_ = std::move(values); }
  /// Undefined: no step has been scored.
  const at::Tensor& values() const { return values_; }
  /// Has any step been scored, and none with a number? Then no step is better than another.
  bool undefined() const;
  /// Are there `patience` scored steps since the best? Never for 0, nor where scores say nothing.
  bool out_of_patience(std::int64_t patience) const;

 private:
  TrainingProgress& progress_;
  const Metric& metric_;
  at::Tensor values_;
};

}  // namespace peftgrid::worker
