#include <ATen/TensorOperators.h>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/bottleneck.hpp"
#include "worker/methods/parts/changes.hpp"
#include "worker/methods/parts/sum.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

bool is_of_a_bottleneck(const ParameterFact& fact) {
  return fact.name.find("_adapter_") != std::string::npos;
}

MethodFacts facts_of(const MethodFacts& all, bool bottlenecks) {
  MethodFacts facts = all;
  std::erase_if(facts.parameters, [&](const ParameterFact& fact) { return is_of_a_bottleneck(fact) != bottlenecks; });
  return facts;
}

/// u + W_up act(W_down u + b_down) + b_up for what attention and feed-forward part give, before the residual add.
class SerialBottlenecks : public Method {
 public:
  explicit SerialBottlenecks(const MethodSetup& setup)
      : trained_(setup.facts.parameters), activation_(activation_of(setup)) {
    using Draw = BottleneckStart::Draw;
    const bool truncated = text_option(setup.spec, "init") == "truncated";
    const BottleneckStart start{truncated ? Draw::TruncatedNormal : Draw::Normal, truncated ? 1e-3 : 0.02};
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer);
      const std::uint32_t where = static_cast<std::uint32_t>(layer) << 8U;
      adapters_.at(Site::AttnBranch, layer) =
          make_bottleneck(name + ".attention_adapter", setup, where, start, trained_);
      adapters_.at(Site::FfnBranch, layer) = make_bottleneck(name + ".ffn_adapter", setup, where | 2U, start, trained_);
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    const Bottleneck* adapter = adapters_.find(call.site, call.layer);
    return adapter == nullptr ? at::Tensor() : (*adapter)(call.y, activation_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  std::string activation_;
  PerSite<Bottleneck> adapters_;
};

}  // namespace

/// Houlsby's adapters (Houlsby et al., ICML 2019; google-research/adapter-bert): two bottlenecks a block, and the
/// norms.
std::unique_ptr<Method> make_houlsby(const MethodSetup& setup) {
  const MethodFacts bottlenecks = facts_of(setup.facts, true), norms = facts_of(setup.facts, false);
  std::vector<Sum::Part> parts;
  parts.push_back({"", 0, std::make_unique<SerialBottlenecks>(setup.of_part(bottlenecks, 0))});
  if (!norms.parameters.empty()) parts.push_back({"", 0, make_changes(setup.of_part(norms, 0))});
  return std::make_unique<Sum>(std::move(parts));
}

}  // namespace peftgrid::worker
