#include "worker/methods/parts/dense_network_plan.hpp"

namespace peftgrid::worker {

std::string dense_layer(const std::string& name, std::size_t index) {
  return name + "." + std::to_string(2 * index);
}

void list_dense_network(MethodFacts& facts, const std::string& name, const std::vector<std::int64_t>& widths) {
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::string layer = dense_layer(name, i);
    facts.parameters.push_back({layer + ".weight", {widths[i + 1], widths[i]}});
    facts.parameters.push_back({layer + ".bias", {widths[i + 1]}, false});
  }
}

}  // namespace peftgrid::worker
