#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "worker/methods/method.hpp"
#include "worker/methods/parts/low_rank.hpp"
#include "worker/methods/parts/low_rank_plan.hpp"
#include "worker/methods/parts/principal.hpp"
#include "worker/per_site.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// PiSSA (Meng et al., NeurIPS 2024) over a base that others share: A0, B0 are the r largest singular values and
/// vectors of the layer over s, and y += s (B A - B0 A0) x, which is s ((B - B0) A + B0 (A - A0)) x: one product of
/// rank 2 r, exactly 0 at start, where the paper takes s B0 A0 out of the layer.
class Pissa : public Method {
 public:
  explicit Pissa(const MethodSetup& setup)
      : trained_(setup.facts.parameters, setup.base.weights->at("word.weight").device()),
        scale_(low_rank_scale(setup.spec)) {
    const std::int64_t rank = integer_option(setup.spec, "rank");
    for (const auto& [layer, site] : low_rank_places(setup.spec, setup.model.geometry)) {
      const std::string name = place_name(site, layer);
      const Principal start = principal_part(setup.base.fp32_copy(name + ".weight"), rank, scale_);
      Pair& pair = pairs_.at(site, layer);
      pair.down = trained_.adopt(name + ".lora_A", start.down.clone());
      pair.up = trained_.adopt(name + ".lora_B", start.up.clone());
      pair.first_down = trained_.adopt(name + ".lora_A_start", start.down);
      pair.first_up = trained_.adopt(name + ".lora_B_start", start.up);
      starts_.push_back({name + ".lora_A_start", pair.first_down});
      starts_.push_back({name + ".lora_B_start", pair.first_up});
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    const Pair* pair = pairs_.find(call.site, call.layer);
    if (pair == nullptr) return {};
    const at::Tensor down = at::cat({pair->down, pair->down - pair->first_down});
    const at::Tensor up = at::cat({pair->up - pair->first_up, pair->first_up}, 1);
    return low_rank(call.x, down, up, scale_);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }
  std::vector<Stored> stored() override {
    std::vector<Stored> all = Method::stored();
    all.insert(all.end(), starts_.begin(), starts_.end());
    return all;
  }

 private:
  struct Pair {
    at::Tensor down, up, first_down, first_up;
  };
  Parameters trained_;
  PerSite<Pair> pairs_;
  std::vector<Stored> starts_;
  double scale_;
};

}  // namespace

std::unique_ptr<Method> make_lora(const MethodSetup& setup) {
  if (text_option(setup.spec, "init") == "pissa") return std::make_unique<Pissa>(setup);
  return make_low_rank(setup, low_rank_scale(setup.spec), real_option(setup.spec, "dropout"));
}

}  // namespace peftgrid::worker
