#include <algorithm>
#include <cmath>

#include "worker/errors.hpp"
#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

class LoraPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {
        "lora",
        "a low-rank product added to linear layers",
        {integer("rank", 8, 65536, "inner width of each product"),
         real("alpha", 16, 1e-6, 1e6, "the product is scaled by alpha / rank"),
         real("dropout", 0.1, 0, 0.9, "on the input of the product"),
         texts("targets", {"query", "value"}, low_rank_targets(), "the linear layers that get one"),
         added_later(choice("scaling", {"rank", "sqrt_rank"}, "by what alpha is divided: sqrt_rank is rsLoRA")),
         added_later(real("b_rate_ratio", 1, 1e-3, 1e4, "B's learning rate over A's (LoRA+)")),
         added_later(
             choice("init", {"standard", "pissa"}, "B = 0, or the largest singular values of the layer (PiSSA)")),
         added_later(choice("pairs", {"separate", "shared"},
                            "A and B for each target, or one pair for a matrix that the model fuses, as in peft"))}};
  }
  std::vector<std::string> also_called() const override { return {"low-rank", "low-rank-adaptation"}; }
  DefaultRates rates() const override { return {2e-3, 1e-3, 1e-3, 3e-3}; }
  /// What a step does to B A goes by the product of both rates: with B's raised, A's and B's geometric mean stays. At
  /// the plain rate MiniLM predicts one class. Small models: of a sweep of its own (docs/methods.md).
  DefaultRates rates_of(const MethodSpec& method) const override {
    const auto ratio = method.options.find("b_rate_ratio");
    if (ratio == method.options.end() || std::get<double>(ratio->second) == 1) return rates();
    const double raised = std::sqrt(std::get<double>(ratio->second));
    constexpr DefaultRates kBeforeTheRoot{4e-3, 1e-3, 1e-3};
    return {kBeforeTheRoot.small / raised, kBeforeTheRoot.small_regression / raised, kBeforeTheRoot.large / raised};
  }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(5e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    const Geometry& geometry = context.model.geometry;
    MethodFacts facts =
        low_rank_facts(low_rank_places(context.method, geometry), geometry, integer_option(context.method, "rank"),
                       shares(context.method) ? Pairs::Shared : Pairs::Separate);
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
    if (shares(context.method)) check_shared(context);
  }

  std::optional<std::string> does_not_apply(const MethodContext& context) const override {
    if (auto reason = no_target(context)) return reason;
    const Geometry& geometry = context.model.geometry;
    const auto is_fused = [&](const auto& place) { return geometry.fused_with(place.second) != nullptr; };
    if (!shares(context.method) || std::ranges::any_of(low_rank_places(context.method, geometry), is_fused)) return {};
    return "none of the targets is a part of a matrix that this model fuses, for which pairs would be shared";
  }

  std::vector<std::string> absent_parts(const MethodContext& context) const override { return absent_targets(context); }

 private:
  static bool shares(const MethodSpec& method) { return text_option(method, "pairs") == "shared"; }

  /// A pair is a whole matrix's.
  static void check_shared(const MethodContext& context) {
    if (text_option(context.method, "init") == "pissa") {
      throw UsageError(
          "lora.pairs is shared, and `init: pissa` takes each target's own singular values; separate would be right");
    }
    for (const std::vector<Site>& fused : context.model.geometry.fused) {
      const auto is_target = [&](Site site) { return lists(context.method, "targets", site_name(site)); };
      const auto count = std::ranges::count_if(fused, is_target);
      if (count == 0 || count == static_cast<std::ptrdiff_t>(fused.size())) continue;
      std::vector<std::string> names;
      for (const Site site : fused) names.emplace_back(site_name(site));
      throw UsageError("lora.pairs is shared, and its targets are a part of " + joined(names) +
                       ", which are one matrix in this model; all of them, or none, would be right");
    }
  }

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
