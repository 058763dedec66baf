#include <algorithm>
#include <map>

#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// BitFit (Ben Zaken et al., ACL 2022): trains the biases that the base has, as a vector added where the bias is added.
/// The vector is the change of the bias, so that a fresh one is the identity; decay, which would pull the sum, is off.
class BitFit : public Method {
 public:
  BitFit(const MethodSpec& spec, const Borrow& borrow) {
    const auto& wanted = list_option(spec, "biases");
    const auto asked = [&](Site site) {
      const auto has = [&](std::string_view name) {
        return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
      };
      return has("all") || has(site_name(site));
    };
    for (const Site site : kSites) {
      if (!borrow.geometry.has_bias(site) || !asked(site)) continue;
      const std::int64_t layers = once_a_pass(site) ? 1 : borrow.geometry.layers;
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        const std::int64_t width = borrow.geometry.out(site);
        changes_[{layer, site}] = trained(std::vector<float>(static_cast<std::size_t>(width)), {width});
      }
    }
  }

  at::Tensor delta(const Step& step, const Pass& /*pass*/) override {
    const auto change = changes_.find({step.layer, step.site});
    return change == changes_.end() ? at::Tensor() : change->second;
  }

  std::vector<Trained> parameters() const override {
    std::vector<Trained> all;
    for (const auto& [place, change] : changes_) {
      const std::string layer = once_a_pass(place.second) ? "" : "layer." + std::to_string(place.first) + ".";
      all.push_back({layer + std::string(site_name(place.second)) + ".bias_change", change, false});
    }
    return all;
  }

 private:
  std::map<std::pair<std::int64_t, Site>, at::Tensor> changes_;
};

}  // namespace

std::unique_ptr<Method> make_bitfit(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<BitFit>(spec, borrow);
}

}  // namespace peftgrid::worker
