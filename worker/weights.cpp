#include "worker/weights.hpp"

#include <ATen/ops/layer_norm.h>

#include <stdexcept>

#include "worker/kernels/functions.hpp"

namespace peftgrid::worker {

const at::Tensor& Weights::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::out_of_range("the base has no tensor " + name);
  return found->second;
}

at::Tensor Weights::linear(const std::string& name, const at::Tensor& x) const {
  return worker::linear(x, at(name + ".weight"), at(name + ".bias"));
}

at::Tensor Weights::layer_norm(const std::string& name, const at::Tensor& x, double epsilon) const {
  return at::layer_norm(x, {x.size(-1)}, at(name + ".weight"), at(name + ".bias"), epsilon);
}

}  // namespace peftgrid::worker
