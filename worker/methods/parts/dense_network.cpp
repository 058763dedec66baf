#include "worker/methods/parts/dense_network.hpp"

#include <cmath>

#include "worker/methods/parts/dense_network_plan.hpp"

namespace peftgrid::worker {

DenseNetwork::DenseNetwork(Parameters& trained, const MethodSetup& setup, const std::string& name,
                           Activation activation, std::uint32_t where)
    : activation_(activation) {
  for (std::size_t i = 0; trained.lists(dense_layer(name, i) + ".weight"); ++i) {
    const std::string layer = dense_layer(name, i);
    const double bound = 1.0 / std::sqrt(static_cast<double>(trained.shape_of(layer + ".weight")[1]));
    const at::Tensor weight = trained.uniform(layer + ".weight", setup.start(where++), bound);
    layers_.push_back({weight, trained.uniform(layer + ".bias", setup.start(where++), bound)});
  }
}

at::Tensor DenseNetwork::operator()(const at::Tensor& x) const {
  at::Tensor y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    y = linear(i == 0 ? y : activation_(y), layers_[i].weight, layers_[i].bias);
  }
  return y;
}

}  // namespace peftgrid::worker
