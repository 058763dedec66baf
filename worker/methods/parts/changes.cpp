#include "worker/methods/parts/changes.hpp"

#include <ATen/TensorOperators.h>

#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

class Changes : public Method {
 public:
  explicit Changes(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    for (const auto& [layer, site] : places(setup.model.geometry)) {
      const std::string place = place_name(site, layer);
      for (const char* shift : {".bias_change", ".shift_change"}) {
        if (trained_.lists(place + shift)) changes_.at(site, layer).shift = trained_.zeros(place + shift);
      }
      const std::string scale = place + ".scale_change";
      if (!trained_.lists(scale)) continue;
      changes_.at(site, layer).scale = trained_.zeros(scale);
      changes_.at(site, layer).of_norm = setup.model.geometry.at(site).norm;
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    const Change* change = changes_.find(call.site, call.layer);
    if (change == nullptr) return {};
    if (!change->scale.defined()) return change->shift;
    const at::Tensor scaled = (change->of_norm ? call.normalised() : call.y) * change->scale;
    return change->shift.defined() ? scaled + change->shift : scaled;
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  struct Change {
    at::Tensor shift, scale;
    bool of_norm = false;
  };
  Parameters trained_;
  PerSite<Change> changes_;
};

}  // namespace

std::unique_ptr<Method> make_changes(const MethodSetup& setup) {
  return std::make_unique<Changes>(setup);
}

}  // namespace peftgrid::worker
