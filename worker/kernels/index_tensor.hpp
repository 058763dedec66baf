#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace peftgrid::worker {

/// Whole numbers as an int64 tensor [count] on `device`: for indices.
template <typename Number>
at::Tensor index_tensor(const std::vector<Number>& values, at::Device device) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<std::int64_t>());
  return tensor.to(device);
}

}  // namespace peftgrid::worker
