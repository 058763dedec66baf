#include "worker/methods/protocols.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class BitFitPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"bitfit",
            "bias terms",
            {texts("biases", {"all"},
                   {"all", "query", "key", "value", "attention_output", "ffn_up", "ffn_down", "embedding_norm",
                    "attention_norm", "ffn_norm", "pooler", "ffn_gate", "final_norm"},
                   "which of them")}};
  }
  std::vector<std::string> also_called() const override { return {"bias", "bias-only", "bias-tuning"}; }
  DefaultRates rates() const override { return {2e-3, 6e-3, 1e-3}; }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(1e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts;
    for (const auto& [layer, site] : places(context.model.geometry)) {
      const SiteFacts& here = context.model.geometry.at(site);
      if (!here.bias || !lists(context.method, "biases", site_name(site))) continue;
      facts.parameters.push_back({place_name(site, layer) + ".bias_change", {here.out}, false});
    }
    return facts;
  }

  std::vector<std::string> absent_parts(const MethodContext& context) const override {
    auto with_bias = places(context.model.geometry);
    std::erase_if(with_bias, [&](const auto& place) { return !context.model.geometry.at(place.second).bias; });
    return absent_sites(list_option(context.method, "biases"), with_bias);
  }

  std::optional<std::string> does_not_apply(const MethodContext& context) const override {
    if (!facts(context).parameters.empty()) return std::nullopt;
    if (list_option(context.method, "biases") != std::vector<std::string>{"pooler"}) {
      return "the backbone has no such biases";
    }
    if (context.readout != "pooler") {
      return "the readout " + context.readout + " leaves the pooler out, whose bias alone would be trained";
    }
    return "the backbone has no pretrained pooler whose bias could be trained";
  }
};

}  // namespace

const MethodPlan& bitfit_plan() {
  static const BitFitPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
