#include "worker/model/weights.hpp"

#include <stdexcept>

namespace peftgrid::worker {

const at::Tensor& Weights::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::out_of_range("the base has no tensor " + name);
  return found->second;
}

at::Tensor Weights::linear(const std::string& name, const at::Tensor& x) const {
  const auto bias = tensors_.find(name + ".bias");
  return worker::linear(x, at(name + ".weight"), bias == tensors_.end() ? at::Tensor() : bias->second);
}

Normed Weights::add_norm(const std::string& name, const at::Tensor& a, const at::Tensor& b, double epsilon) const {
  return worker::add_norm(a, b, at(name + ".weight"), at(name + ".bias"), epsilon);
}

}  // namespace peftgrid::worker
