#include <algorithm>
#include <cmath>
#include <map>

#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// LoRA (Hu et al., ICLR 2022): y += alpha / r * B A dropout(x), A [r, in], B [out, r]; B = 0 at start, A uniform in
/// ±1/sqrt(in) as loralib and peft draw it.
class Lora : public Method {
 public:
  Lora(const MethodSpec& spec, const Borrow& borrow)
      : scale_(real_option(spec, "alpha") / static_cast<double>(integer_option(spec, "rank"))),
        dropout_(real_option(spec, "dropout")) {
    const std::int64_t rank = integer_option(spec, "rank");
    const auto& targets = list_option(spec, "targets");
    for (std::int64_t layer = 0; layer < borrow.geometry.layers; ++layer) {
      for (const Site site : kSites) {
        if (std::find(targets.begin(), targets.end(), site_name(site)) == targets.end()) continue;
        const std::int64_t in = borrow.geometry.in(site), out = borrow.geometry.out(site);
        const Key key = stream(borrow.seed, Purpose::MethodInit, where(site, layer));
        pairs_[{layer, site}] = {trained(uniform(key, rank * in, 1.0 / std::sqrt(static_cast<double>(in))), {rank, in}),
                                 trained(std::vector<float>(static_cast<std::size_t>(out * rank)), {out, rank})};
      }
    }
  }

  at::Tensor delta(const Step& step, const Pass& pass) override {
    const auto pair = pairs_.find({step.layer, step.site});
    if (pair == pairs_.end()) return {};
    const at::Tensor x = pass.dropout(step.x, dropout_, where(step.site, step.layer));
    return low_rank(x, pair->second.down, pair->second.up, scale_);
  }

  std::vector<Trained> parameters() const override {
    std::vector<Trained> all;
    for (const auto& [place, pair] : pairs_) {
      const std::string name = "layer." + std::to_string(place.first) + "." + std::string(site_name(place.second));
      all.push_back({name + ".lora_A", pair.down});
      all.push_back({name + ".lora_B", pair.up});
    }
    return all;
  }

 private:
  struct Pair {
    at::Tensor down, up;
  };
  static std::uint32_t where(Site site, std::int64_t layer) {
    return static_cast<std::uint32_t>(layer) << 8 | static_cast<std::uint32_t>(site);
  }
  std::map<std::pair<std::int64_t, Site>, Pair> pairs_;
  double scale_, dropout_;
};

}  // namespace

std::unique_ptr<Method> make_lora(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<Lora>(spec, borrow);
}

}  // namespace peftgrid::worker
