#include "worker/methods/parts/bidirectional_lstm_plan.hpp"
#include "worker/methods/parts/dense_network_plan.hpp"
#include "worker/methods/parts/prompt_plan.hpp"

namespace peftgrid::worker {

namespace {

class PtuningPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"ptuning",
            "vectors in front of the text, made by a trained network",
            {integer("length", 20, 4096, "how many"), choice("encoder", {"lstm", "mlp"}, "the network"),
             integer("hidden", 0, 65536, "its inner width; 0: the model's", 0), readout_at_option()}};
  }
  std::vector<std::string> also_called() const override { return {"p-tuning-v1", "prompt-encoder"}; }
  DefaultRates rates() const override { return {4e-3, 4e-3, 1e-4}; }

  MethodFacts facts(const MethodContext& context) const override {
    constexpr std::int64_t kLayers = 2;
    const std::int64_t d = context.model.geometry.width, asked = integer_option(context.method, "hidden");
    const std::int64_t h = asked == 0 ? d : asked;
    MethodFacts facts = prompt_facts(context.method);
    facts.parameters.push_back({"prompt_embedding", {facts.prompt, d}});
    if (text_option(context.method, "encoder") == "lstm") {
      list_bidirectional_lstm(facts, "prompt_lstm", d, h, kLayers);
      list_dense_network(facts, "prompt_network", {2 * h, 2 * h, d});
    } else {
      list_dense_network(facts, "prompt_network", {d, h, h, d});
    }
    facts.stored = facts.prompt * d;
    facts.pass_products = facts.prompt * (facts.trained() - facts.stored);
    return facts;
  }

  void check(const MethodContext& context) const override { check_prompt(context); }
};

}  // namespace

const MethodPlan& ptuning_plan() {
  static const PtuningPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
