#include "worker/methods/parts/bidirectional_lstm_plan.hpp"

namespace peftgrid::worker {

std::string lstm_tensor(const std::string& name, const std::string& what, std::int64_t layer, bool backwards) {
  return name + "." + what + "_l" + std::to_string(layer) + (backwards ? "_reverse" : "");
}

void list_bidirectional_lstm(MethodFacts& facts, const std::string& name, std::int64_t in, std::int64_t hidden,
                             std::int64_t layers) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const bool backwards : {false, true}) {
      const auto tensor = [&](const char* what) { return lstm_tensor(name, what, layer, backwards); };
      facts.parameters.push_back({tensor("weight_ih"), {4 * hidden, layer == 0 ? in : 2 * hidden}});
      facts.parameters.push_back({tensor("weight_hh"), {4 * hidden, hidden}});
      facts.parameters.push_back({tensor("bias_ih"), {4 * hidden}, false});
      facts.parameters.push_back({tensor("bias_hh"), {4 * hidden}, false});
    }
  }
}

}  // namespace peftgrid::worker
