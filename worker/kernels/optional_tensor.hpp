#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// Tensors that may be undefined, as loops and autograd's functions take them.
namespace peftgrid::worker {

inline const float* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}
inline float* mutable_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}
/// Autograd's functions take an absent tensor as an empty optional only.
inline std::optional<at::Tensor> given(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace peftgrid::worker
