#include "worker/methods/parts/prefix_plan.hpp"

#include <fmt/format.h>

#include "worker/errors.hpp"
#include "worker/methods/protocols.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

constexpr double kFlatDeviation = 1;

class PrefixPlan : public MethodPlan {
 public:
  MethodInfo info() const override {
    return {
        "prefix",
        "trained keys and values in every layer",
        {integer("length", 10, 4096, "how many a layer"),
         added_later(integer("network_width", 0, 65536,
                             "width of a network that makes them and is folded when stored; 0: they train alone", 0)),
         added_later(real("dropout", 0, 0, 0.9, "on the keys and values")),
         added_later(choice("positions", {"kept", "shifted"},
                            "the text begins at position 0, or behind the prefix as in peft")),
         added_later(real("init_std", kFlatDeviation, 0, 100,
                          "deviation of the keys and values at their start, where no network makes them"))}};
  }
  std::vector<std::string> also_called() const override { return {"prefix-tuning"}; }
  DefaultRates rates() const override { return {1e-2, 8e-2, 5e-3}; }
  DefaultRates rates_of(const MethodSpec& method) const override { return network_rates(method).value_or(rates()); }
  std::optional<double> published_rate(const std::string& protocol) const override {
    return protocol == kUnipeltProtocol ? std::optional(2e-4) : std::nullopt;
  }

  MethodFacts facts(const MethodContext& context) const override {
    return prefix_facts(prefix_settings(context.method), context.model.geometry);
  }

  void check(const MethodContext& context) const override {
    const PrefixSettings settings = prefix_settings(context.method);
    if (settings.network_width == 0 || settings.deviation == kFlatDeviation) return;
    throw UsageError(
        fmt::format("{}.init_std is of keys and values that train alone; with a network_width of {} a "
                    "network makes them, and it has to be left out",
                    context.method.name, settings.network_width));
  }
};

}  // namespace

PrefixSettings prefix_settings(const MethodSpec& method) {
  PrefixSettings settings;
  settings.length = integer_option(method, "length");
  settings.network_width = integer_option(method, "network_width");
  settings.dropout = real_option(method, "dropout");
  settings.shifted = text_option(method, "positions") == "shifted";
  settings.deviation = real_option(method, "init_std");
  return settings;
}

const MethodPlan& prefix_plan() {
  static const PrefixPlan plan;
  return plan;
}

}  // namespace peftgrid::worker
