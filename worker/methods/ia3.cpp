#include <ATen/TensorOperators.h>

#include "worker/methods/method.hpp"
#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

/// IA3 (Liu et al., NeurIPS 2022): keys, values and the activations of the feed-forward part times a trained vector l
/// each. What trains is l - 1, so that a fresh one is the identity; decay, which would pull l to 1, is off.
class Ia3 : public Method {
 public:
  explicit Ia3(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    for (const auto& [layer, site] : places(setup.model.geometry)) {
      const std::string name = place_name(site, layer) + ".scale_change";
      if (trained_.lists(name)) changes_.at(site, layer) = trained_.zeros(name);
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    const at::Tensor* change = changes_.find(call.site, call.layer);
    return change == nullptr ? at::Tensor() : call.y * *change;
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  PerSite<at::Tensor> changes_;
};

}  // namespace

std::unique_ptr<Method> make_ia3(const MethodSetup& setup) {
  return std::make_unique<Ia3>(setup);
}

}  // namespace peftgrid::worker
