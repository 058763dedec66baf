#include "worker/methods/parts/bottleneck_plan.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class PfeifferPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"pfeiffer",
            "a bottleneck after each feed-forward part",
            {integer("reduction", 16, 65536, "width of the model over width of the bottleneck"),
             added_later(choice("activation", activations(false), "inside the bottleneck"))}};
  }
  std::vector<std::string> also_called() const override {
    return {"adapter", "adapters", "bottleneck-adapter", "seq-bn", "pfeiffer-adapter"};
  }
  DefaultRates rates() const override { return {3e-3, 7.5e-4, 5e-4, 3e-4}; }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(1e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts = feed_forward_adapter_facts(context.model.geometry, integer_option(context.method, "reduction"));
    facts.starts_as_base = false;
    return facts;
  }

  void check(const MethodContext& context) const override { check_reduction(context); }
};

}  // namespace

const MethodPlan& pfeiffer_plan() {
  static const PfeifferPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
