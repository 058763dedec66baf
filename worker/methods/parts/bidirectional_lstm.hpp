#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// The trained LSTM that list_bidirectional_lstm lists. All starts uniform in ±1/sqrt(hidden), as torch.nn.LSTM draws
/// it.
class BidirectionalLstm {
 public:
  BidirectionalLstm() = default;
  /// Random streams: from `where` on, four a layer and direction (MethodSetup::start).
  BidirectionalLstm(Parameters& trained, const MethodSetup& setup, const std::string& name, std::uint32_t where);

  /// Of one sequence: x [steps, in] to [steps, 2 hidden], forwards before backwards.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  struct Direction {
    at::Tensor input, recurrent, input_bias, recurrent_bias;
  };
  std::vector<Direction> directions_;  // two a layer
};

}  // namespace peftgrid::worker
