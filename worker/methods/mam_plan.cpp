#include "worker/methods/parts/bottleneck_plan.hpp"
#include "worker/methods/parts/prefix_plan.hpp"
#include "worker/methods/parts/sum_plan.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class MamPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"mam",
            "a prefix by a network, and a parallel adapter",
            {integer("length", 30, 4096, "how many keys and values a layer"),
             integer("network_width", 800, 65536, "of the network that makes them"),
             integer("reduction", 2, 65536, "width of the model over width of the bottleneck"),
             real("scale", 4, 1e-6, 1e6, "of what the bottleneck adds")}};
  }
  std::vector<std::string> also_called() const override { return {"mam-adapter", "mix-and-match"}; }
  DefaultRates rates() const override { return {2.5e-4, 2.5e-4, 2e-4, 3e-5}; }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts;
    add_part(facts, "prefix.", prefix_facts(part_prefix_settings(context.method), geometry));
    add_part(facts, "adapter.", feed_forward_adapter_facts(geometry, integer_option(context.method, "reduction")));
    return facts;
  }

  void check(const MethodContext& context) const override { check_reduction(context); }
};

}  // namespace

const MethodPlan& mam_plan() {
  static const MamPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
