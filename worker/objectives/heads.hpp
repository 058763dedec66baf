#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// What turns a representation into logits; every trial has its own, and it trains in every method. Dropout, then a
/// linear layer [outputs, width]; before it, where the base lacks a pooler that the readout needs, a new dense layer
/// and tanh. Weights N(0, 0.02), biases 0.
class Head {
 public:
  Head(std::int64_t width, std::int64_t outputs, bool new_pooler, double dropout, std::uint64_t seed);
  /// representation [rows, width] to logits [rows, outputs]. `pass.owners` are the rows' (one entry a row).
  at::Tensor logits(const at::Tensor& representation, const Pass& pass) const;
  std::vector<Trained> parameters() const;

 private:
  at::Tensor weight_, bias_, pooler_weight_, pooler_bias_;
  double dropout_;
};

/// Mean cross-entropy over the rows, or mean squared error for regression, times `share`: a micro-batch's part of the
/// step's rows. labels [rows]: class indices, or values.
at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& labels, bool regression, double share);

}  // namespace peftgrid::worker
