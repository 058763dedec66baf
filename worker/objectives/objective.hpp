#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/model/outputs.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The tensor part of a kind of task: what is learned of labels, the loss, and what is predicted. Owns what is new in
/// every trial: a head, inserted tokens.
class Objective {
 public:
  virtual ~Objective() = default;

  /// Before the first step: the labels of the rows that the trial trains on.
  virtual void see_training_labels(std::span<const double> /*labels*/) {}
  /// What a row of that label counts in the mean over a step.
  virtual double weight(double /*label*/) const { return 1; }
  /// The mean loss over the rows, by their weights.
  virtual at::Tensor loss(const Outputs& outputs) const = 0;
  /// The numbers that decide the rows, [rows, ObjectivePlan::outputs]; minus infinity stands for what a row has not.
  virtual at::Tensor scores(const Outputs& outputs) const = 0;
  /// One number a row, which fp32 holds without loss, so that ranks may share them; prediction_of makes it what is
  /// compared with a label.
  virtual std::vector<double> decide(const at::Tensor& scores) const = 0;
  virtual double prediction_of(double decided) const { return decided; }

  virtual std::vector<Trained> parameters() const { return {}; }
  /// Vectors of the tokens that the trial inserts, [3, width]; undefined: it inserts none.
  virtual at::Tensor inserted() const { return {}; }
  /// What a trial file keeps: the head's output is a label.
  virtual std::vector<Stored> stored() const;
};

/// All that an objective is made of.
struct ObjectiveSetup {
  const TrialSpec& spec;
  const ModelFacts& model;  // its config has the trial's dropout
};

/// Throws UsageError for a kind that is none.
std::unique_ptr<Objective> make_objective(const ObjectiveSetup& setup);

}  // namespace peftgrid::worker
