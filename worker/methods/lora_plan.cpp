#include <algorithm>

#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class LoraPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"lora",
            "a low-rank product added to linear layers",
            {integer("rank", 8, 65536, "inner width of each product"),
             real("alpha", 16, 1e-6, 1e6, "the product is scaled by alpha / rank"),
             real("dropout", 0.1, 0, 0.9, "on the input of the product"),
             texts("targets", {"query", "value"}, {"query", "key", "value", "attention_output", "ffn_up", "ffn_down"},
                   "the linear layers that get one")}};
  }
  DefaultRates rates() const override { return {4e-3, 1e-3, 1e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    const std::int64_t rank = integer_option(context.method, "rank");
    MethodFacts facts;
    for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
      for (const Site site : kSites) {
        if (!geometry.at(site).product || once_a_pass(site) || !lists(context.method, "targets", site_name(site)))
          continue;
        const std::string name = place_name(site, layer);
        facts.parameters.push_back({name + ".lora_A", {rank, geometry.at(site).in}});
        facts.parameters.push_back({name + ".lora_B", {geometry.at(site).out, rank}});
      }
    }
    return facts;
  }

  void check(const MethodContext& context) const override {
    // Every linear layer has the width of the model on one side at least.
    const std::int64_t most = std::min(context.model.geometry.width, context.model.geometry.ffn_width);
    if (integer_option(context.method, "rank") > most) {
      too_large(context.method, "rank", most, "the width of its linear layers");
    }
  }
};

}  // namespace

const MethodPlan& lora_plan() {
  static const LoraPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
