#include "worker/methods/base_copies_plan.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class TopLayersPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"top_layers",
            "the last layers of the base and its pooler",
            {integer("layers", 2, 1000, "how many layers, counted from the last")}};
  }
  std::vector<std::string> also_called() const override { return {"last-layers", "partial", "partial-finetuning"}; }
  DefaultRates rates() const override { return {5e-4, 2e-3, 1e-4, 1e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    return copies_of_top_layers(context.model, integer_option(context.method, "layers"));
  }

  void check(const MethodContext& context) const override {
    const std::int64_t layers = context.model.geometry.layers;
    if (integer_option(context.method, "layers") > layers) {
      too_large(context.method, "layers", layers, "its number of layers");
    }
  }
};

}  // namespace

const MethodPlan& top_layers_plan() {
  static const TopLayersPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
