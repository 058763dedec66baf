#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class PrefixPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"prefix", "trained keys and values in every layer", {integer("length", 10, 4096, "how many a layer")}};
  }
  DefaultRates rates() const override { return {1e-2, 8e-2, 5e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    const std::int64_t length = integer_option(context.method, "length");
    MethodFacts facts;
    for (std::int64_t layer = 0; layer < context.model.geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer) + ".prefix_";
      facts.parameters.push_back({name + "key", {length, context.model.geometry.kv_width()}});
      facts.parameters.push_back({name + "value", {length, context.model.geometry.kv_width()}});
    }
    facts.extra_keys = length;
    facts.starts_as_base = false;
    return facts;
  }
};

}  // namespace

const MethodPlan& prefix_plan() {
  static const PrefixPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
