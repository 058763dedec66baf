#include "worker/errors.hpp"
#include "worker/methods/parts/bottleneck_plan.hpp"
#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/methods/parts/prefix_plan.hpp"
#include "worker/methods/parts/sum_plan.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/objective_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// The places whose additions a part's gates multiply.
std::vector<std::pair<std::int64_t, Site>> query_and_value(const Geometry& geometry) {
  std::vector<std::pair<std::int64_t, Site>> all;
  for (const auto& [layer, site] : places(geometry)) {
    if (site == Site::Query || site == Site::Value) all.emplace_back(layer, site);
  }
  return all;
}

void list_gate(const std::string& place, std::int64_t width, std::vector<ParameterFact>& facts) {
  facts.push_back({place + ".gate.weight", {width}});
  facts.push_back({place + ".gate.bias", {1}, false});
}

class UniPeltPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"unipelt",
            "prefix, adapter and low-rank products, each behind gates that the row opens",
            {texts("parts", {"prefix", "adapter", "lora"}, {"prefix", "adapter", "lora"}, "which of them"),
             yes_or_no("gates", true, "or their plain sum"),
             integer("length", 10, 4096, "the prefix's keys and values a layer"),
             integer("network_width", 512, 65536, "of the network that makes them"),
             integer("reduction", 16, 65536, "width of the model over width of the adapter's bottleneck"),
             integer("rank", 8, 65536, "inner width of each low-rank product"),
             real("alpha", 16, 1e-6, 1e6, "without gates, such a product is scaled by alpha / rank"),
             choice("gate_positions", {"real", "padded"},
                    "gates are means over a row's tokens, or over max_length with padding as the authors' code"),
             yes_or_no("freeze_head", false,
                       "the classifier stays as it starts, as in the authors' code for single parts")},
            {{"pfeiffer", "prefix"}, {"pfeiffer", "prefix", "lora"}}};
  }
  DefaultRates rates() const override { return {2e-3, 1e-3, 5e-4, 5e-4}; }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(5e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    const MethodSpec& method = context.method;
    const bool gated = is_on(method, "gates");
    MethodFacts facts;
    if (lists(method, "parts", "prefix")) add_part(facts, "prefix.", prefix(context, gated));
    if (lists(method, "parts", "adapter")) add_part(facts, "adapter.", adapter(context, gated));
    if (lists(method, "parts", "lora")) add_part(facts, "lora.", lora(context, gated));
    facts.whole_rows = gated;
    if (gated && text_option(method, "gate_positions") == "padded") facts.padded_to = context.max_length;
    facts.freezes_head = is_on(method, "freeze_head");
    return facts;
  }

  std::optional<std::string> does_not_apply(const MethodContext& context) const override {
    if (!context.model.geometry.causal || text_option(context.method, "gate_positions") != "padded") return {};
    return "padding behind a row is what the published code's gates see on encoders; on a decoder nobody has published "
           "it";
  }

  std::vector<std::string> idle_options(const MethodContext& context) const override {
    std::vector<std::string> idle;
    if (is_on(context.method, "gates")) idle.push_back("alpha");
    if (objective_plan(context.task.kind).head(context).empty()) idle.push_back("freeze_head");
    return idle;
  }

  void check(const MethodContext& context) const override {
    check_reduction(context);
    check_rank(context);
    if (text_option(context.method, "gate_positions") == "padded" && !is_on(context.method, "gates")) {
      throw UsageError("unipelt.gate_positions is padded, and there are no gates; leave it out, or say `gates: yes`");
    }
  }

 private:
  static MethodFacts prefix(const MethodContext& context, bool gated) {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts = prefix_facts(part_prefix_settings(context.method), geometry);
    if (!gated) return facts;
    const std::int64_t kept = facts.kept();
    MethodFacts gates;
    for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
      list_gate("layer." + std::to_string(layer), geometry.width, gates.parameters);
    }
    facts.stored = kept + gates.trained();
    facts.parameters.insert(facts.parameters.end(), gates.parameters.begin(), gates.parameters.end());
    return facts;
  }

  static MethodFacts adapter(const MethodContext& context, bool gated) {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts = feed_forward_adapter_facts(geometry, integer_option(context.method, "reduction"));
    facts.starts_as_base = false;
    for (std::int64_t layer = 0; gated && layer < geometry.layers; ++layer) {
      list_gate("layer." + std::to_string(layer), geometry.width, facts.parameters);
    }
    return facts;
  }

  static MethodFacts lora(const MethodContext& context, bool gated) {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts = low_rank_facts(query_and_value(geometry), geometry, integer_option(context.method, "rank"));
    if (!gated) return facts;
    for (const auto& [layer, site] : query_and_value(geometry)) {
      list_gate(place_name(site, layer), geometry.width, facts.parameters);
    }
    return facts;
  }
};

}  // namespace

const MethodPlan& unipelt_plan() {
  static const UniPeltPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
