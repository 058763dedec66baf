#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/methods/method.hpp"
#include "worker/objectives/objective.hpp"

namespace peftgrid::worker {

/// What turns a representation into numbers: dropout, then a linear layer; before it, where the plan lists one, a new
/// dense layer in the architecture's own style (HeadStyle). Weights N(0, 0.02), biases 0.
class Head {
 public:
  /// `facts`: ObjectivePlan::head.
  Head(std::vector<ParameterFact> facts, const HeadStyle& style, double dropout, std::uint64_t seed);
  /// representation [lines, width] to [lines, outputs]. `pass.owners` are the lines'.
  at::Tensor operator()(const at::Tensor& representation, const Pass& pass) const;
  std::vector<Trained> parameters() const { return trained_.all(); }
  /// Objective::inserted.
  const at::Tensor& inserted() const { return inserted_; }

 private:
  at::Tensor dense(const at::Tensor& x, const Pass& pass) const;

  Parameters trained_;
  HeadStyle style_;
  at::Tensor weight_, bias_, dense_weight_, dense_bias_, inserted_;
  double dropout_;
};

/// A kind of task that is decided by a head, with the language model's loss beside its own where the trial says so.
class HeadObjective : public Objective {
 public:
  explicit HeadObjective(const ObjectiveSetup& setup);

  /// With `auxiliary_lm` times the mean over rows of the mean over their sequences of the mean over all tokens but the
  /// first (Radford et al., 2018, section 3.2).
  at::Tensor loss(const Outputs& outputs) const override;
  std::vector<Trained> parameters() const override { return head_.parameters(); }
  at::Tensor inserted() const override { return head_.inserted(); }

 protected:
  /// The mean over rows of the task's own loss.
  virtual at::Tensor task_loss(const at::Tensor& scores, std::span<const double> labels) const = 0;
  /// What the head says of lines [lines, outputs]; `owner` [lines]: by which dropout draws.
  at::Tensor head_logits(const at::Tensor& lines, const Outputs& outputs, std::vector<std::uint32_t> owner) const;
  /// Of rows: a pair in both orders is one, the sum of its states.
  at::Tensor row_logits(const Outputs& outputs) const;

 private:
  at::Tensor language_loss(const Outputs& outputs) const;

  Head head_;
  double auxiliary_lm_;
};

}  // namespace peftgrid::worker
