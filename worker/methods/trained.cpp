#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

at::Tensor trained(std::vector<float> values, at::IntArrayRef shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor.requires_grad_(true);
}

}  // namespace peftgrid::worker
