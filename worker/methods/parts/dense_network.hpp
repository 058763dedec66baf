#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// The trained dense layers that list_dense_network lists. Weights and biases start uniform in ±1/sqrt(in), as
/// torch.nn.Linear draws them.
class DenseNetwork {
 public:
  using Activation = at::Tensor (*)(const at::Tensor&);  // between the layers

  DenseNetwork() = default;
  /// Random streams: from `where` on, two a layer (MethodSetup::start).
  DenseNetwork(Parameters& trained, const MethodSetup& setup, const std::string& name, Activation activation,
               std::uint32_t where);

  /// x [n, in of the first layer] to [n, out of the last].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  struct Layer {
    at::Tensor weight, bias;
  };
  std::vector<Layer> layers_;
  Activation activation_ = nullptr;
};

}  // namespace peftgrid::worker
