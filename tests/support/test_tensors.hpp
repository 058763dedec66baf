#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "tests/support/network.hpp"
#include "worker/model/randomness.hpp"

/// Random tensors for tests of operators, and how near one is to another.
namespace peftgrid::tests {

/// Fixed numbers of -spread to spread; each `which` has its own.
inline at::Tensor numbers(std::uint32_t which, at::IntArrayRef shape, double spread = 1) {
  const at::Tensor tensor = at::empty(shape, at::kFloat);
  set_values(tensor, worker::uniform({which, 3}, tensor.numel(), spread));
  return tensor;
}

/// A copy in double precision that asks for its gradient.
inline at::Tensor doubled(const at::Tensor& tensor) {
  return tensor.detach().to(at::kDouble).requires_grad_(true);
}

inline double relative(const at::Tensor& ours, const at::Tensor& reference) {
  return relative_difference(values_of(ours.to(at::kFloat)), values_of(reference.to(at::kFloat)));
}

}  // namespace peftgrid::tests
