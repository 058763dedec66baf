#include "worker/methods/parts/prefix_plan.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// P-tuning v2 (Liu et al., ACL 2022) on an encoder: a prefix with positions, dropout and start as its authors' code
/// has them.
class PtuningV2Plan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {"ptuning_v2",
            "a prefix as P-tuning v2 has it: shifted positions, dropout, a small start",
            {integer("length", 20, 4096, "keys and values a layer"),
             integer("network_width", 0, 65536,
                     "width of a network that makes them and is folded when stored; 0: they train alone", 0),
             real("dropout", 0.1, 0, 0.9, "on the keys and values")}};
  }
  std::vector<std::string> also_called() const override { return {"p-tuning2", "deep-prompt-tuning"}; }
  DefaultRates rates() const override { return {1e-2, 1e-2, 5e-3, 5e-3}; }
  DefaultRates rates_of(const MethodSpec& method) const override { return network_rates(method).value_or(rates()); }

  MethodFacts facts(const MethodContext& context) const override {
    return prefix_facts(ptuning_v2_settings(context.method), context.model.geometry);
  }
};

}  // namespace

PrefixSettings ptuning_v2_settings(const MethodSpec& method) {
  PrefixSettings settings;
  settings.length = integer_option(method, "length");
  settings.network_width = integer_option(method, "network_width");
  settings.dropout = real_option(method, "dropout");
  settings.shifted = true;
  settings.deviation = 0.02;
  return settings;
}

const MethodPlan& ptuning_v2_plan() {
  static const PtuningV2Plan plan;
  return plan;
}

}  // namespace peftgrid::worker
