#include "worker/methods/parts/bottleneck_plan.hpp"

#include "worker/plan/options.hpp"

namespace peftgrid::worker {

void list_bottleneck(const std::string& name, std::int64_t width, std::int64_t bottleneck,
                     std::vector<ParameterFact>& facts) {
  facts.push_back({name + "_down.weight", {bottleneck, width}});
  facts.push_back({name + "_down.bias", {bottleneck}, false});
  facts.push_back({name + "_up.weight", {width, bottleneck}});
  facts.push_back({name + "_up.bias", {width}, false});
}

MethodFacts feed_forward_adapter_facts(const Geometry& geometry, std::int64_t reduction) {
  MethodFacts facts;
  for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
    list_bottleneck("layer." + std::to_string(layer) + ".adapter", geometry.width, geometry.width / reduction,
                    facts.parameters);
  }
  facts.token_products = facts.trained();
  return facts;
}

std::vector<std::string> activations(bool model) {
  std::vector<std::string> all{"relu", "gelu", "swish"};
  if (model) all.insert(all.begin(), "model");
  return all;
}

void check_reduction(const MethodContext& context) {
  const std::int64_t width = context.model.geometry.width;
  if (integer_option(context.method, "reduction") > width) too_large(context.method, "reduction", width, "its width");
}

}  // namespace peftgrid::worker
