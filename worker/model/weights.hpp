#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>

#include "worker/kernels/functions.hpp"

namespace peftgrid::worker {

/// Named tensors of one backbone: the frozen base (in a read-only mapping), or a trial's own copy of some of them.
class Weights {
 public:
  Weights() = default;
  explicit Weights(std::map<std::string, at::Tensor> tensors) : tensors_(std::move(tensors)) {}
  /// Throws std::out_of_range for a name that the architecture does not have: a programming error.
  const at::Tensor& at(const std::string& name) const;
  /// Undefined where there is none of that name.
  at::Tensor find(const std::string& name) const;
  const std::map<std::string, at::Tensor>& all() const { return tensors_; }
  /// x W^T + b of the layer `name` ("…query": "…query.weight", "…query.bias"), which may have no bias.
  at::Tensor linear(const std::string& name, const at::Tensor& x) const;
  /// a + b and its norm by the layer `name`; b may be undefined.
  Normed add_norm(const std::string& name, const at::Tensor& a, const at::Tensor& b,
                  const NormSettings& settings) const;

 private:
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace peftgrid::worker
