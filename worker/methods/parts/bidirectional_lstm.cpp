#include "worker/methods/parts/bidirectional_lstm.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <cmath>

#include "worker/methods/parts/bidirectional_lstm_plan.hpp"

namespace peftgrid::worker {

BidirectionalLstm::BidirectionalLstm(Parameters& trained, const MethodSetup& setup, const std::string& name,
                                     std::uint32_t where) {
  for (std::int64_t layer = 0; trained.lists(lstm_tensor(name, "weight_hh", layer, false)); ++layer) {
    for (const bool backwards : {false, true}) {
      const auto drawn = [&](const char* what) {
        const std::int64_t hidden = trained.shape_of(lstm_tensor(name, "weight_hh", layer, backwards))[1];
        const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
        return trained.uniform(lstm_tensor(name, what, layer, backwards), setup.start(where++), bound);
      };
      Direction direction;
      direction.input = drawn("weight_ih");
      direction.recurrent = drawn("weight_hh");
      direction.input_bias = drawn("bias_ih");
      direction.recurrent_bias = drawn("bias_hh");
      directions_.push_back(std::move(direction));
    }
  }
}

at::Tensor BidirectionalLstm::operator()(const at::Tensor& x) const {
  at::Tensor y = x;
  const auto states = [&](const Direction& direction, bool backwards) {
    const at::Tensor gates = linear(y, direction.input, direction.input_bias + direction.recurrent_bias);
    return lstm(gates, direction.recurrent, backwards);
  };
  for (std::size_t i = 0; i < directions_.size(); i += 2) {
    y = at::cat({states(directions_[i], false), states(directions_[i + 1], true)}, 1);
  }
  return y;
}

}  // namespace peftgrid::worker
