#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class LlamaAdapterPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"llama_adapter",
            "a prompt in each layer, attended to apart from the text and let in by a gate",
            {integer("length", 10, 4096, "vectors of each prompt"),
             integer("layers", 0, 1000, "how many layers, counted from the last; 0: all", 0),
             choice("gate", {"head", "layer"}, "tanh of a number for each head, or as in peft one number a layer")}};
  }
  DefaultRates rates() const override { return {1e-2, 1e-2, 5e-3, 3e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    const std::int64_t length = integer_option(context.method, "length"),
                       asked = integer_option(context.method, "layers");
    const std::int64_t gates = text_option(context.method, "gate") == "head" ? geometry.heads : 1;
    MethodFacts facts;
    for (std::int64_t layer = asked == 0 ? 0 : geometry.layers - asked; layer < geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer);
      facts.parameters.push_back({name + ".adapter_prompt", {length, geometry.width}});
      facts.parameters.push_back({name + ".gate", {gates}, false});
    }
    facts.extra_keys = length;
    return facts;
  }

  void check(const MethodContext& context) const override {
    const std::int64_t layers = context.model.geometry.layers;
    if (integer_option(context.method, "layers") > layers) {
      too_large(context.method, "layers", layers, "its number of layers");
    }
  }
};

}  // namespace

const MethodPlan& llama_adapter_plan() {
  static const LlamaAdapterPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
