#include "worker/per_site.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class Ia3Plan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"ia3",
            "keys, values and the inner part of the feed-forward layers, rescaled",
            {choice("placement", {"paper", "peft"},
                    "as published, or with what the library peft scales besides: the attention's output")}};
  }
  DefaultRates rates() const override { return {2e-2, 1e-2, 3e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    MethodFacts facts;
    for (const auto& [layer, site] : places(context.model.geometry)) {
      const bool scaled = site == Site::Key || site == Site::Value || site == Site::FfnHidden;
      const bool by_peft = site == Site::AttnCore && text_option(context.method, "placement") == "peft";
      if (!scaled && !by_peft) continue;
      facts.parameters.push_back(
          {place_name(site, layer) + ".scale_change", {context.model.geometry.at(site).out}, false});
    }
    return facts;
  }
};

}  // namespace

const MethodPlan& ia3_plan() {
  static const Ia3Plan plan;
  return plan;
}

}  // namespace peftgrid::worker
