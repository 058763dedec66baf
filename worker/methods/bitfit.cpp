#include "worker/methods/method.hpp"
#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

/// BitFit (Ben Zaken et al., ACL 2022): trains the biases that the base has, as a vector added where the bias is added.
/// The vector is the change of the bias, so that a fresh one is the identity; decay, which would pull the sum, is off.
class BitFit : public Method {
 public:
  explicit BitFit(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    for (const auto& [layer, site] : places(setup.model.geometry)) {
      const std::string name = place_name(site, layer) + ".bias_change";
      if (trained_.lists(name)) changes_.at(site, layer) = trained_.zeros(name);
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    const at::Tensor* change = changes_.find(call.site, call.layer);
    return change == nullptr ? at::Tensor() : *change;
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  PerSite<at::Tensor> changes_;
};

}  // namespace

std::unique_ptr<Method> make_bitfit(const MethodSetup& setup) {
  return std::make_unique<BitFit>(setup);
}

}  // namespace peftgrid::worker
