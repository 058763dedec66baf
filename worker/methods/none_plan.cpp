#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

class NonePlan : public MethodPlan {
 public:
  MethodInfo info() const override { return {"none", "nothing: the pretrained model answers as it is", {}}; }
  std::vector<std::string> also_called() const override { return {"untrained", "zero-shot", "pretrained", "base"}; }
  DefaultRates rates() const override { return {}; }
  bool is_untrained() const override { return true; }

  MethodFacts facts(const MethodContext& /*context*/) const override {
    MethodFacts facts;
    facts.base_in_evaluation = true;
    return facts;
  }
};

}  // namespace

const MethodPlan& none_plan() {
  static const NonePlan plan;
  return plan;
}

}  // namespace peftgrid::worker
