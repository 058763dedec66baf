#include "worker/methods/parts/changes_plan.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

class NormsPlan : public MethodPlan {
 public:
  MethodInfo info() const override { return {"norms", "scales and shifts of the norms", {}}; }
  std::vector<std::string> also_called() const override { return {"layer-norm", "ln-tuning", "layer-norm-tuning"}; }
  DefaultRates rates() const override { return {3e-3, 3e-3, 1e-3, 3e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts;
    list_norms(context.model.geometry, facts.parameters);
    return facts;
  }
};

}  // namespace

const MethodPlan& norms_plan() {
  static const NormsPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
