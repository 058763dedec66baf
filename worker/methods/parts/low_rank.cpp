#include "worker/methods/parts/low_rank.hpp"

#include <cmath>

#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

class LowRank : public Method {
 public:
  LowRank(const MethodSetup& setup, double scale, double dropout)
      : trained_(setup.facts.parameters), scale_(scale), dropout_(dropout) {
    for (const auto& [layer, site] : places(setup.model.geometry)) {
      const std::string name = place_name(site, layer);
      if (!trained_.lists(name + ".lora_A")) continue;
      const double bound = 1.0 / std::sqrt(static_cast<double>(setup.model.geometry.at(site).in));
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

std::unique_ptr<Method> make_low_rank(const MethodSetup& setup, double scale, double dropout) {
  return std::make_unique<LowRank>(setup, scale, dropout);
}

}  // namespace peftgrid::worker
