#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// What turns a representation into the numbers of a row: dropout, then a linear layer; before it, where the plan lists
/// one, a new dense layer in the architecture's own style (HeadStyle). Weights N(0, 0.02), biases 0.
class Head {
 public:
  /// `facts`: ObjectivePlan::head.
  Head(std::vector<ParameterFact> facts, const HeadStyle& style, double dropout, std::uint64_t seed);
  /// representation [rows, width] to [rows, outputs]. `pass.owners` are the rows' (one entry a row).
  at::Tensor operator()(const at::Tensor& representation, const Pass& pass) const;
  std::vector<Trained> parameters() const { return trained_.all(); }

 private:
  at::Tensor dense(const at::Tensor& x, const Pass& pass) const;

  Parameters trained_;
  HeadStyle style_;
  at::Tensor weight_, bias_, dense_weight_, dense_bias_;
  double dropout_;
};

}  // namespace peftgrid::worker
