#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace peftgrid::worker {

/// Whole numbers as an int64 tensor [count] on `device`: for indices. Nobody waits for the device: it copies from
/// pageable memory, which CUDA reads before the call returns.
template <typename Number>
at::Tensor index_tensor(const std::vector<Number>& values, at::Device device) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<std::int64_t>());
  return tensor.to(device, tensor.scalar_type(), /*non_blocking=*/true);
}

}  // namespace peftgrid::worker
