#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

class HeadPlan : public MethodPlan {
 public:
  MethodInfo info() const override { return {"head", "the classifier alone; the base runs in evaluation mode", {}}; }
  std::vector<std::string> also_called() const override {
    return {"linear-probe", "linear-probing", "feature-extraction", "classifier", "head-only"};
  }
  DefaultRates rates() const override { return {1e-2, 3e-3, 1e-3, 1e-2}; }

  MethodFacts facts(const MethodContext& /*context*/) const override {
    MethodFacts facts;
    facts.base_in_evaluation = true;
    return facts;
  }
};

}  // namespace

const MethodPlan& head_plan() {
  static const HeadPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
