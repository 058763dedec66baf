#include "worker/per_site.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

namespace {

class NormsAndBiasesPlan : public MethodPlan {
 public:
  MethodInfo info() const override { return {"norms_and_biases", "all biases, and the scales of the norms", {}}; }
  DefaultRates rates() const override { return {2e-3, 4e-3, 1e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts;
    for (const auto& [layer, site] : places(context.model.geometry)) {
      const SiteFacts& here = context.model.geometry.at(site);
      const std::string place = place_name(site, layer);
      if (here.norm) facts.parameters.push_back({place + ".scale_change", {here.out}, false});
      if (here.bias) facts.parameters.push_back({place + ".bias_change", {here.out}, false});
    }
    return facts;
  }
};

}  // namespace

const MethodPlan& norms_and_biases_plan() {
  static const NormsAndBiasesPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
