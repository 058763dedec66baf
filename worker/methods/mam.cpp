#include "worker/methods/parts/feed_forward_adapter.hpp"
#include "worker/methods/parts/prefix.hpp"
#include "worker/methods/parts/sum.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

/// The mix-and-match adapter (He et al., ICLR 2022; library adapters: MAMConfig): a prefix that a network makes, and
/// the parallel adapter.
std::unique_ptr<Method> make_mam(const MethodSetup& setup) {
  const MethodFacts prefix = part_of(setup.facts, "prefix."), adapter = part_of(setup.facts, "adapter.");
  std::vector<Sum::Part> parts;
  parts.push_back(
      {"prefix.", kPrefixPart, make_prefix_of(setup.of_part(prefix, kPrefixPart), part_prefix_settings(setup.spec))});
  parts.push_back(
      {"adapter.", kAdapterPart,
       make_parallel_adapter(setup.of_part(adapter, kAdapterPart), "relu", real_option(setup.spec, "scale"))});
  return std::make_unique<Sum>(std::move(parts));
}

}  // namespace peftgrid::worker
