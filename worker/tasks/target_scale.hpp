#pragma once

#include <span>

#include "worker/trial.hpp"

namespace peftgrid::worker {

/// How what a regression's model is trained to predict, its target, relates to the label:
/// target = (label - mean) / deviation. The one place that knows: training asks for targets, evaluation for labels.
struct TargetScale {
  double mean = 0, deviation = 1;  // of the labels; as they are, targets are the labels themselves, to the bit

  double target_of(double label) const { return (label - mean) / deviation; }
  double label_of(double target) const { return mean + deviation * target; }
};

/// By the labels of the rows that the trial trains on: their mean and population deviation (divided by their number).
/// Labels that are all equal have none, and are centred only. A classification and `targets: raw` are left as they are.
TargetScale target_scale(const TaskSpec& task, std::span<const double> train_labels);

}  // namespace peftgrid::worker
