#include "worker/methods/parts/bottleneck_plan.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class ParallelAdapterPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"parallel_adapter",
            "a bottleneck beside each feed-forward part",
            {integer("reduction", 2, 65536, "width of the model over width of the bottleneck"),
             real("scale", 4, 1e-6, 1e6, "of what the bottleneck adds"),
             choice("activation", activations(false), "inside the bottleneck")}};
  }
  std::vector<std::string> also_called() const override { return {"par-bn"}; }
  DefaultRates rates() const override { return {5e-4, 2.5e-4, 2e-4, 1e-5}; }

  MethodFacts facts(const MethodContext& context) const override {
    return feed_forward_adapter_facts(context.model.geometry, integer_option(context.method, "reduction"));
  }

  void check(const MethodContext& context) const override { check_reduction(context); }
};

}  // namespace

const MethodPlan& parallel_adapter_plan() {
  static const ParallelAdapterPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
