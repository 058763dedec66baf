#pragma once

#include <ATen/core/Tensor.h>

/// The recurrent part of an LSTM by LibTorch's plain operators, step by step, without autograd: worker::lstm puts the
/// two together. at::lstm is another library on each device and kind of processor; these are the same bytes at each
/// run, and take less time (docs/methods.md).
namespace peftgrid::worker {

/// What the steps of a pass left behind, each [steps, n]; `gates` [steps, 4 n]: after their activations.
struct LstmSteps {
  at::Tensor states, cells, gates;
};
/// See worker::lstm.
LstmSteps run_lstm(const at::Tensor& gates, const at::Tensor& recurrent, bool backwards);

struct LstmGradients {
  at::Tensor gates, recurrent;
};
/// `states`: the gradient on LstmSteps::states.
LstmGradients lstm_gradients(const LstmSteps& steps, const at::Tensor& recurrent, const at::Tensor& states,
                             bool backwards);

}  // namespace peftgrid::worker
