#include <cmath>

#include "worker/errors.hpp"
#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

class LoraPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"lora",
            "a low-rank product added to linear layers",
            {integer("rank", 8, 65536, "inner width of each product"),
             real("alpha", 16, 1e-6, 1e6, "the product is scaled by alpha / rank"),
             real("dropout", 0.1, 0, 0.9, "on the input of the product"),
             texts("targets", {"query", "value"}, low_rank_targets(), "the linear layers that get one"),
             added_later(choice("scaling", {"rank", "sqrt_rank"}, "by what alpha is divided: sqrt_rank is rsLoRA")),
             added_later(real("b_rate_ratio", 1, 1e-3, 1e4, "B's learning rate over A's (LoRA+)")),
             added_later(
                 choice("init", {"standard", "pissa"}, "B = 0, or the largest singular values of the layer (PiSSA)"))}};
  }
  std::vector<std::string> also_called() const override { return {"low-rank", "low-rank-adaptation"}; }
  DefaultRates rates() const override { return {4e-3, 1e-3, 1e-3}; }
  /// What a step does to B A goes by the product of both rates: with B's raised, A's and B's geometric mean stays. At
  /// the plain rate MiniLM predicts one class.
  DefaultRates rates_of(const MethodSpec& method) const override {
    const auto ratio = method.options.find("b_rate_ratio");
    if (ratio == method.options.end()) return rates();
    const double raised = std::sqrt(std::get<double>(ratio->second));
    const DefaultRates plain = rates();
    return {plain.small / raised, plain.small_regression / raised, plain.large / raised};
  }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(5e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts =
        low_rank_facts(low_rank_places(context.method, geometry), geometry, integer_option(context.method, "rank"));
    for (ParameterFact& fact : facts.parameters) {
      if (fact.name.ends_with(".lora_B")) fact.rate = real_option(context.method, "b_rate_ratio");
    }
    if (text_option(context.method, "init") == "pissa") list_starts(facts);
    return facts;
  }

  void check(const MethodContext& context) const override {
    check_rank(context);
    if (text_option(context.method, "init") == "pissa" && real_option(context.method, "dropout") > 0) {
      throw UsageError(
          "lora.dropout is not 0; with `init: pissa` what the product starts from is taken off again, which "
          "dropout would not do alike");
    }
  }

 private:
  /// What A and B started as, which a reader of the file needs, too: the change is of both.
  static void list_starts(MethodFacts& facts) {
    facts.stored = 2 * facts.trained();
    facts.token_products *= 2;
    const std::vector<ParameterFact> trained = facts.parameters;
    for (ParameterFact fact : trained) {
      fact.name += "_start";
      fact.trains = false;
      facts.parameters.push_back(std::move(fact));
    }
  }
};

}  // namespace

const MethodPlan& lora_plan() {
  static const LoraPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
