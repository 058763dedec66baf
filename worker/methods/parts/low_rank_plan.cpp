#include "worker/methods/parts/low_rank_plan.hpp"

#include <algorithm>
#include <cmath>

#include "worker/per_site.hpp"
#include "worker/plan/options.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

std::vector<std::string> low_rank_targets() {
  return {"all", "query", "key", "value", "attention_output", "ffn_up", "ffn_down", "ffn_gate"};
}

std::vector<std::pair<std::int64_t, Site>> low_rank_places(const MethodSpec& method, const Geometry& geometry) {
  std::vector<std::pair<std::int64_t, Site>> found;
  for (const auto& [layer, site] : places(geometry)) {
    const bool product = geometry.at(site).product && !once_a_pass(site);
    if (product && lists(method, "targets", site_name(site))) found.emplace_back(layer, site);
  }
  return found;
}

std::vector<std::string> absent_targets(const MethodContext& context) {
  return absent_sites(list_option(context.method, "targets"), low_rank_places(context.method, context.model.geometry));
}

std::optional<std::string> no_target(const MethodContext& context) {
  if (!low_rank_places(context.method, context.model.geometry).empty()) return std::nullopt;
  return "the backbone has no " + joined(absent_targets(context));
}

std::string fused_place_name(const std::vector<Site>& fused, std::int64_t layer) {
  const std::string name = fused.front() == Site::Query ? "query_key_value" : "ffn_gate_up";
  return "layer." + std::to_string(layer) + "." + name;
}

MethodFacts low_rank_facts(const std::vector<std::pair<std::int64_t, Site>>& places, const Geometry& geometry,
                           std::int64_t rank, Pairs pairs) {
  MethodFacts facts;
  for (const auto& [layer, site] : places) {
    const std::vector<Site>* fused = pairs == Pairs::Shared ? geometry.fused_with(site) : nullptr;
    if (fused != nullptr && site != fused->front()) continue;
    std::int64_t out = geometry.at(site).out;
    if (fused != nullptr) {
      for (std::size_t i = 1; i < fused->size(); ++i) out += geometry.at((*fused)[i]).out;
    }
    const std::string name = fused != nullptr ? fused_place_name(*fused, layer) : place_name(site, layer);
    facts.parameters.push_back({name + ".lora_A", {rank, geometry.at(site).in}});
    facts.parameters.push_back({name + ".lora_B", {out, rank}});
  }
  facts.token_products = facts.trained();
  return facts;
}

double low_rank_scale(const MethodSpec& method) {
  const auto rank = static_cast<double>(integer_option(method, "rank"));
  return real_option(method, "alpha") / (text_option(method, "scaling") == "rank" ? rank : std::sqrt(rank));
}

void check_rank(const MethodContext& context) {
  // Every linear layer has the width of the model on one side at least.
  const std::int64_t most = std::min(context.model.geometry.width, context.model.geometry.ffn_width);
  if (integer_option(context.method, "rank") > most) {
    too_large(context.method, "rank", most, "the width of its linear layers");
  }
}

}  // namespace peftgrid::worker
