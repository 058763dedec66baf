#include "worker/methods/parts/bottleneck_plan.hpp"
#include "worker/methods/parts/changes_plan.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class HoulsbyPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"houlsby",
            "a bottleneck behind each attention and each feed-forward part, and the norms",
            {integer("bottleneck", 64, 65536, "its width"),
             choice("activation", activations(true), "inside the bottleneck"),
             choice("norms", {"train", "frozen"}, "do the norms' scales and shifts train, as published"),
             choice("init", {"truncated", "normal"},
                    "weights from a normal cut at two deviations of 0.001, or N(0, 0.02)")}};
  }
  std::vector<std::string> also_called() const override { return {"double-seq-bn", "houlsby-adapter"}; }
  DefaultRates rates() const override { return {2e-3, 1e-3, 3e-4, 1e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    const std::int64_t bottleneck = integer_option(context.method, "bottleneck");
    MethodFacts facts;
    for (std::int64_t layer = 0; layer < geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer);
      list_bottleneck(name + ".attention_adapter", geometry.width, bottleneck, facts.parameters);
      list_bottleneck(name + ".ffn_adapter", geometry.width, bottleneck, facts.parameters);
    }
    facts.token_products = facts.trained();
    if (text_option(context.method, "norms") == "train") list_norms(geometry, facts.parameters);
    facts.starts_as_base = false;
    return facts;
  }
};

}  // namespace

const MethodPlan& houlsby_plan() {
  static const HoulsbyPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
