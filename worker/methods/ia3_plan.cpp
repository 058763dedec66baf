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
                    "as published, or with what the library peft scales besides: of encoders what attention finds, of "
                    "GPT-1, GPT-2 and ChatGLM2 the queries")}};
  }
  DefaultRates rates() const override { return {2e-2, 1e-2, 3e-3, 1e-2}; }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    const bool by_peft = text_option(context.method, "placement") == "peft";
    MethodFacts facts;
    for (const auto& [layer, site] : places(geometry)) {
      const bool scaled = site == Site::Key || site == Site::Value || site == Site::FfnHidden;
      if (!scaled && !(by_peft && site == beside(geometry))) continue;
      facts.parameters.push_back({place_name(site, layer) + ".scale_change", {geometry.at(site).out}, false});
    }
    return facts;
  }

  std::vector<std::string> idle_options(const MethodContext& context) const override {
    return beside(context.model.geometry) ? std::vector<std::string>{} : std::vector<std::string>{"placement"};
  }

 private:
  /// What peft scales besides: a fused matrix whole, of an encoder what attention finds, of other decoders nothing.
  static std::optional<Site> beside(const Geometry& geometry) {
    if (geometry.fused_with(Site::Query) != nullptr) return Site::Query;
    return geometry.causal ? std::nullopt : std::optional(Site::AttnCore);
  }
};

}  // namespace

const MethodPlan& ia3_plan() {
  static const Ia3Plan plan;
  return plan;
}

}  // namespace peftgrid::worker
