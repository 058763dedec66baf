#include <cmath>

#include "worker/methods/method.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// LoRA (Hu et al., ICLR 2022): y += alpha / r * B A dropout(x), A [r, in], B [out, r]; B = 0 at start, A uniform in
/// ±1/sqrt(in) as loralib and peft draw it.
class Lora : public Method {
 public:
  explicit Lora(const MethodSetup& setup)
      : trained_(setup.facts.parameters),
        scale_(real_option(setup.spec, "alpha") / static_cast<double>(integer_option(setup.spec, "rank"))),
        dropout_(real_option(setup.spec, "dropout")) {
    const Geometry& geometry = setup.model.geometry;
    for (const auto& [layer, site] : places(geometry)) {
      const std::string name = place_name(site, layer);
      if (!trained_.lists(name + ".lora_A")) continue;
      const double bound = 1.0 / std::sqrt(static_cast<double>(geometry.at(site).in));
      pairs_.at(site, layer) = {trained_.uniform(name + ".lora_A", setup.start(place_number(site, layer)), bound),
                                trained_.zeros(name + ".lora_B")};
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& pass) override {
    const Pair* pair = pairs_.find(call.site, call.layer);
    if (pair == nullptr) return {};
    const at::Tensor x = pass.dropout(call.x, dropout_, place_number(call.site, call.layer));
    return low_rank(x, pair->down, pair->up, scale_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  struct Pair {
    at::Tensor down, up;
  };
  Parameters trained_;
  PerSite<Pair> pairs_;
  double scale_, dropout_;
};

}  // namespace

std::unique_ptr<Method> make_lora(const MethodSetup& setup) {
  return std::make_unique<Lora>(setup);
}

}  // namespace peftgrid::worker
