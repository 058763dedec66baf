#include "worker/methods/parts/feed_forward_adapter.hpp"
#include "worker/methods/parts/gated.hpp"
#include "worker/methods/parts/low_rank.hpp"
#include "worker/methods/parts/prefix.hpp"
#include "worker/methods/parts/sum.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

/// UniPELT (Mao et al., ACL 2022): a prefix, an adapter behind the feed-forward part and low-rank products of query and
/// value, each times gates: the prefix's keys and values times that of the block's input, the adapter's output times
/// that of what it reads, a product times that of the block's input, which takes the place of alpha / rank.
std::unique_ptr<Method> make_unipelt(const MethodSetup& setup) {
  const bool gated = is_on(setup.spec, "gates");
  std::vector<Sum::Part> parts;
  const auto add = [&](const std::string& prefix, std::uint32_t number, auto make) {
    const MethodFacts all = part_of(setup.facts, prefix);
    if (all.parameters.empty()) return;
    const MethodFacts inner = without_gates(all);
    std::unique_ptr<Method> method = make(setup.of_part(inner, number));
    if (gated) method = make_gated(setup.of_part(gates_of(all), number), std::move(method));
    parts.push_back({prefix, number, std::move(method)});
  };
  add("prefix.", kPrefixPart,
      [&](const MethodSetup& mine) { return make_prefix_of(mine, part_prefix_settings(setup.spec)); });
  add("adapter.", kAdapterPart, [](const MethodSetup& mine) { return make_serial_adapter(mine, "relu"); });
  add("lora.", kLowRankPart, [&](const MethodSetup& mine) {
    const double scale = real_option(setup.spec, "alpha") / static_cast<double>(integer_option(setup.spec, "rank"));
    return make_low_rank(mine, gated ? 1 : scale, 0);
  });
  return std::make_unique<Sum>(std::move(parts));
}

}  // namespace peftgrid::worker
