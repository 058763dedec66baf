#include "worker/methods/parts/dense_network.hpp"

#include <cmath>

namespace peftgrid::worker {

DenseNetwork::DenseNetwork(Parameters& trained, const MethodSetup& setup, const std::string& name,
                           const std::vector<std::int64_t>& widths, Activation activation, std::uint32_t where)
    : activation_(activation) {
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::string layer = name + "." + std::to_string(2 * i);
    const double bound = 1.0 / std::sqrt(static_cast<double>(widths[i]));
    const auto key = [&](std::uint32_t which) {
      return setup.start(where + 2 * static_cast<std::uint32_t>(i) + which);
    };
    const at::Tensor weight = trained.uniform(layer + ".weight", key(0), bound);
    layers_.push_back({weight, trained.uniform(layer + ".bias", key(1), bound)});
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
