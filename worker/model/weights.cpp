#include "worker/model/weights.hpp"

#include <stdexcept>

namespace peftgrid::worker {

const at::Tensor& Weights::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::out_of_range("the base has no tensor " + name);
  return found->second;
}

at::Tensor Weights::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? at::Tensor() : found->second;
}

at::Tensor Weights::linear(const std::string& name, const at::Tensor& x) const {
  return worker::linear(x, at(name + ".weight"), find(name + ".bias"));
}

Normed Weights::add_norm(const std::string& name, const at::Tensor& a, const at::Tensor& b,
                         const NormSettings& settings) const {
  return worker::add_norm(a, b, at(name + ".weight"), find(name + ".bias"), settings);
}

}  // namespace peftgrid::worker
