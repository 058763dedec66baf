#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class PromptPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"prompt",
            "trained vectors in front of the text",
            {integer("length", 10, 4096, "how many"),
             choice("init", {"random", "vocabulary"}, "random values, or the vectors of random tokens")}};
  }
  DefaultRates rates() const override { return {2e-2, 5e-3, 5e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts;
    facts.prompt = integer_option(context.method, "length");
    facts.parameters.push_back({"prompt", {facts.prompt, context.model.geometry.width}});
    facts.starts_as_base = false;
    return facts;
  }

  void check(const MethodContext& context) const override {
    const std::int64_t positions = context.model.geometry.max_positions;
    if (integer_option(context.method, "length") >= positions) {
      too_large(context.method, "length", positions - 1, "as prompt and text share its positions");
    }
  }
};

}  // namespace

const MethodPlan& prompt_plan() {
  static const PromptPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
