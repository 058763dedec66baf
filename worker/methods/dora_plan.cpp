#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class DoraPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"dora",
            "a low-rank change of the direction of each line of a linear layer, and its length",
            {integer("rank", 8, 65536, "inner width of each product"),
             real("alpha", 16, 1e-6, 1e6, "the product is scaled by alpha / rank"),
             real("dropout", 0, 0, 0.9, "on the input of the product"),
             texts("targets", {"query", "value"}, low_rank_targets(), "the linear layers that are changed"),
             choice("scaling", {"rank", "sqrt_rank"}, "by what alpha is divided"),
             yes_or_no("base_dropout", false, "dropout before the pretrained product in the change, too, as peft")}};
  }
  DefaultRates rates() const override { return {2e-3, 1e-3, 1e-3, 3e-3}; }

  MethodFacts facts(const MethodContext& context) const override {
    const std::int64_t rank = integer_option(context.method, "rank");
    MethodFacts facts;
    for (const auto& [layer, site] : low_rank_places(context.method, context.model.geometry)) {
      const SiteFacts& here = context.model.geometry.at(site);
      const std::string name = place_name(site, layer);
      facts.parameters.push_back({name + ".lora_A", {rank, here.in}});
      facts.parameters.push_back({name + ".lora_B", {here.out, rank}});
      facts.parameters.push_back({name + ".magnitude", {here.out}, false});
    }
    facts.token_products = facts.trained();
    return facts;
  }

  void check(const MethodContext& context) const override { check_rank(context); }
  std::optional<std::string> does_not_apply(const MethodContext& context) const override { return no_target(context); }
  std::vector<std::string> absent_parts(const MethodContext& context) const override { return absent_targets(context); }
  std::vector<std::string> idle_options(const MethodContext& context) const override {
    return real_option(context.method, "dropout") > 0 ? std::vector<std::string>{}
                                                      : std::vector<std::string>{"base_dropout"};
  }
};

}  // namespace

const MethodPlan& dora_plan() {
  static const DoraPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
