#include "worker/methods/parameters.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>

namespace peftgrid::worker {

at::Tensor trained(const std::vector<float>& values, at::IntArrayRef shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor.requires_grad_(true);
}

bool Parameters::lists(const std::string& name) const {
  return std::ranges::find(facts_, name, &ParameterFact::name) != facts_.end();
}

const ParameterFact& Parameters::listed(const std::string& name) const {
  const auto found = std::ranges::find(facts_, name, &ParameterFact::name);
  if (found == facts_.end()) throw std::logic_error("the method's plan lists no tensor " + name);
  return *found;
}

const ParameterFact& Parameters::to_be_made(const std::string& name) const {
  if (tensors_.contains(name)) throw std::logic_error("the tensor " + name + " is made twice");
  return listed(name);
}

at::Tensor Parameters::give(const std::string& name, const std::vector<float>& values) {
  const ParameterFact& of = to_be_made(name);
  const at::Tensor made = trained(values, of.shape);
  return tensors_[name] = of.trains ? made : made.detach().to(device_);
}

at::Tensor Parameters::zeros(const std::string& name) {
  return constant(name, 0);
}

at::Tensor Parameters::constant(const std::string& name, float value) {
  return give(name, std::vector<float>(static_cast<std::size_t>(elements(shape_of(name))), value));
}

at::Tensor Parameters::normal(const std::string& name, Key key, double deviation) {
  return give(name, worker::normal(key, elements(shape_of(name)), deviation));
}

at::Tensor Parameters::truncated_normal(const std::string& name, Key key, double deviation) {
  return give(name, worker::truncated_normal(key, elements(shape_of(name)), deviation));
}

at::Tensor Parameters::uniform(const std::string& name, Key key, double bound) {
  return give(name, worker::uniform(key, elements(shape_of(name)), bound));
}

at::Tensor Parameters::adopt(const std::string& name, const at::Tensor& values) {
  const ParameterFact& of = to_be_made(name);
  if (values.sizes() != at::IntArrayRef(of.shape)) throw std::logic_error("the tensor " + name + " has another shape");
  return tensors_[name] = of.trains ? values.detach().requires_grad_(true) : values.detach().to(device_);
}

std::vector<Trained> Parameters::all() const {
  std::vector<Trained> found;
  for (const ParameterFact& of : facts_) {
    if (!tensors_.contains(of.name)) throw std::logic_error("the tensor " + of.name + " was never made");
    if (of.trains) found.push_back({of.name, tensors_.at(of.name), of.decays, of.by_token, of.rate});
  }
  return found;
}

}  // namespace peftgrid::worker
