#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/objectives/heads.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The tensor part of a kind of task: what is learned of labels, the loss, and what is predicted. Owns the head.
class Objective {
 public:
  explicit Objective(Head head) : head_(std::move(head)) {}
  virtual ~Objective() = default;

  /// Before the first step: the labels of the rows that the trial trains on.
  virtual void see_training_labels(std::span<const double> /*labels*/) {}
  /// What the head says of rows, [rows, outputs]. `pass.owners` are the rows'.
  at::Tensor logits(const at::Tensor& representation, const Pass& pass) const { return head_(representation, pass); }
  /// The mean loss over rows. `labels`: class indices, or values.
  virtual at::Tensor loss(const at::Tensor& logits, std::span<const double> labels) const = 0;
  /// One number a row, which fp32 holds without loss, so that ranks may share them; prediction_of makes it a label.
  virtual std::vector<double> decide(const at::Tensor& logits) const = 0;
  virtual double prediction_of(double decided) const { return decided; }

  std::vector<Trained> parameters() const { return head_.parameters(); }
  /// The head as a trial file keeps it: its output is a label.
  virtual std::vector<Stored> stored() const;

 private:
  Head head_;
};

/// Throws UsageError for a kind that is none.
std::unique_ptr<Objective> make_objective(const TaskSpec& task, Head head);

}  // namespace peftgrid::worker
