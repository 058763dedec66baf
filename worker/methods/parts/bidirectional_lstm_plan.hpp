#pragma once

#include <cstdint>
#include <string>

#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// Lists the tensors of a bidirectional LSTM of `layers` layers, `hidden` wide in each direction, by torch.nn.LSTM's
/// names and in its order: NAME.weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, the same with _reverse, then _l1.
void list_bidirectional_lstm(MethodFacts& facts, const std::string& name, std::int64_t in, std::int64_t hidden,
                             std::int64_t layers);
/// NAME.WHAT_lLAYER, for the direction that runs from the last step to the first with _reverse.
std::string lstm_tensor(const std::string& name, const std::string& what, std::int64_t layer, bool backwards);

}  // namespace peftgrid::worker
