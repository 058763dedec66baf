#include "worker/methods/parts/low_rank.hpp"

#include <cmath>

#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/per_site.hpp"

namespace peftgrid::worker {

namespace {

class LowRank : public Method {
 public:
  LowRank(const MethodSetup& setup, double scale, double dropout)
      : trained_(setup.facts.parameters), scale_(scale), dropout_(dropout) {
    const Geometry& geometry = setup.model.geometry;
    for (const auto& [layer, site] : places(geometry)) {
      const std::vector<Site>* fused = geometry.fused_with(site);
      if (trained_.lists(place_name(site, layer) + ".lora_A")) {
        pairs_.at(site, layer) = new_pair(setup, place_name(site, layer), site, layer);
      } else if (fused != nullptr && site == fused->front() &&
                 trained_.lists(fused_place_name(*fused, layer) + ".lora_A")) {
        share(new_pair(setup, fused_place_name(*fused, layer), site, layer), *fused, layer, geometry);
      }
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& pass) override {
    const Pair* pair = pairs_.find(call.site, call.layer);
    if (pair == nullptr) return {};
    const at::Tensor x = pass.dropout(call.x, dropout_, pair->where);
    return low_rank(x, pair->down, pair->rows > 0 ? pair->up.narrow(0, pair->first, pair->rows) : pair->up, scale_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  struct Pair {
    at::Tensor down, up;
    std::uint32_t where = 0;           // of its dropout: alike for all that share it
    std::int64_t first = 0, rows = 0;  // of `up`, where it is shared; 0 rows: all are this site's
  };
  Pair new_pair(const MethodSetup& setup, const std::string& name, Site site, std::int64_t layer) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(setup.model.geometry.at(site).in));
    const std::uint32_t where = place_number(site, layer);
    return {trained_.uniform(name + ".lora_A", setup.start(where), bound), trained_.zeros(name + ".lora_B"), where};
  }
  void share(Pair pair, const std::vector<Site>& fused, std::int64_t layer, const Geometry& geometry) {
    for (const Site site : fused) {
      pair.rows = geometry.at(site).out;
      pairs_.at(site, layer) = pair;
      pair.first += pair.rows;
    }
  }

  Parameters trained_;
  PerSite<Pair> pairs_;
  double scale_, dropout_;
};

}  // namespace

std::unique_ptr<Method> make_low_rank(const MethodSetup& setup, double scale, double dropout) {
  return std::make_unique<LowRank>(setup, scale, dropout);
}

}  // namespace peftgrid::worker
