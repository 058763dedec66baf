#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class PfeifferPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"pfeiffer",
            "a bottleneck after each feed-forward part",
            {integer("reduction", 16, 65536, "width of the model over width of the bottleneck")}};
  }
  DefaultRates rates() const override { return {3e-3, 7.5e-4, 5e-4}; }

  MethodFacts facts(const MethodContext& context) const override {
    const std::int64_t width = context.model.geometry.width;
    const std::int64_t bottleneck = width / integer_option(context.method, "reduction");
    MethodFacts facts;
    for (std::int64_t layer = 0; layer < context.model.geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer) + ".adapter_";
      facts.parameters.push_back({name + "down.weight", {bottleneck, width}});
      facts.parameters.push_back({name + "down.bias", {bottleneck}, false});
      facts.parameters.push_back({name + "up.weight", {width, bottleneck}});
      facts.parameters.push_back({name + "up.bias", {width}, false});
    }
    facts.starts_as_base = false;
    return facts;
  }

  void check(const MethodContext& context) const override {
    const std::int64_t width = context.model.geometry.width;
    if (integer_option(context.method, "reduction") > width) too_large(context.method, "reduction", width, "its width");
  }
};

}  // namespace

const MethodPlan& pfeiffer_plan() {
  static const PfeifferPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
