#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/model/randomness.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// A tensor that trains.
struct Trained {
  std::string name;
  at::Tensor tensor;
  bool decays = true, by_token = false;  // as ParameterFact's
  double rate = 1;                       // times the trial's learning rate
};

/// A tensor that a trial file keeps.
struct Stored {
  std::string name;
  at::Tensor values;  // fp32
};

/// Allocates what a plan part lists: nothing else, and all of it.
class Parameters {
 public:
  /// Those that do not train go to `device` at once; the others when the flat buffer does.
  explicit Parameters(std::vector<ParameterFact> facts, at::Device device = at::kCPU)
      : facts_(std::move(facts)), device_(device) {}

  bool lists(const std::string& name) const;
  /// Throws std::logic_error where it is not listed.
  const Shape& shape_of(const std::string& name) const { return listed(name).shape; }
  /// Each returns the tensor of that name, in the shape that was listed, and throws std::logic_error where it is not
  /// listed, was made before, or `values` has another size.
  at::Tensor zeros(const std::string& name);
  at::Tensor normal(const std::string& name, Key key, double deviation);
  /// Normal numbers beyond two deviations are drawn again.
  at::Tensor truncated_normal(const std::string& name, Key key, double deviation);
  at::Tensor uniform(const std::string& name, Key key, double bound);
  at::Tensor constant(const std::string& name, float value);
  at::Tensor adopt(const std::string& name, const at::Tensor& values);

  /// Those that train, as listed. Throws std::logic_error where one was never made.
  std::vector<Trained> all() const;

 private:
  const ParameterFact& listed(const std::string& name) const;
  const ParameterFact& to_be_made(const std::string& name) const;
  at::Tensor give(const std::string& name, const std::vector<float>& values);

  std::vector<ParameterFact> facts_;
  at::Device device_;
  std::map<std::string, at::Tensor> tensors_;
};

/// A tensor with given numbers, which asks for gradients.
at::Tensor trained(const std::vector<float>& values, at::IntArrayRef shape);

}  // namespace peftgrid::worker
