#include "worker/methods/parts/prefix_plan.hpp"

#include "worker/methods/parts/dense_network_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

std::string prefix_name(std::int64_t layer, std::string_view which) {
  return "layer." + std::to_string(layer) + ".prefix_" + std::string(which);
}

PrefixSettings part_prefix_settings(const MethodSpec& method) {
  PrefixSettings settings;
  settings.length = integer_option(method, "length");
  settings.network_width = integer_option(method, "network_width");
  return settings;
}

std::optional<DefaultRates> network_rates(const MethodSpec& method) {
  const auto width = method.options.find("network_width");
  if (width == method.options.end() || std::get<std::int64_t>(width->second) == 0) return std::nullopt;
  return DefaultRates{1e-3, 1e-3, 2e-4};
}

MethodFacts prefix_facts(const PrefixSettings& settings, const Geometry& geometry) {
  MethodFacts facts;
  if (settings.network_width == 0) {
    for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
      facts.parameters.push_back({prefix_name(layer, "key"), {settings.length, geometry.kv_width()}});
      facts.parameters.push_back({prefix_name(layer, "value"), {settings.length, geometry.kv_width()}});
    }
  } else {
    // As wide as a key, which peft's is, too: the model's width where every head has keys of its own.
    facts.parameters.push_back({"prefix_embedding", {settings.length, geometry.kv_width()}});
    const std::int64_t made = 2 * geometry.layers * geometry.kv_width();  // for each of the prefix's vectors
    list_dense_network(facts, "prefix_network", {geometry.kv_width(), settings.network_width, made});
    facts.stored = settings.length * made;
    facts.pass_products = settings.length * settings.network_width * (geometry.kv_width() + made);
  }
  facts.extra_keys = settings.length;
  if (settings.shifted) facts.position_shift = settings.length;
  facts.starts_as_base = false;
  return facts;
}

}  // namespace peftgrid::worker
