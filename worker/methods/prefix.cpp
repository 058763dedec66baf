#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// Prefix tuning (Li and Liang, ACL 2021), flat: trained keys and values before each row's own, in every layer. All
/// real tokens keep their positions (as in UniPELT and AdapterHub; peft shifts them). N(0, 1) at start, as peft and
/// AdapterHub.
class Prefix : public Method {
 public:
  Prefix(const MethodSpec& spec, const Borrow& borrow) {
    const std::int64_t length = integer_option(spec, "length"), width = borrow.geometry.kv_width;
    for (std::int64_t layer = 0; layer < borrow.geometry.layers; ++layer) {
      const auto drawn = [&](std::uint32_t which) {
        const Key key = stream(borrow.seed, Purpose::MethodInit, static_cast<std::uint32_t>(layer) << 8 | which);
        return trained(normal(key, length * width, 1.0), {length, width});
      };
      layers_.push_back({drawn(0), drawn(1)});
    }
  }

  KeysValues extra_kv(std::int64_t layer, const at::Tensor& /*x*/) override {
    const KeysValues& own = layers_[static_cast<std::size_t>(layer)];
    return {own.k.unsqueeze(0), own.v.unsqueeze(0)};
  }

  std::vector<Trained> parameters() const override {
    std::vector<Trained> all;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      all.push_back({"layer." + std::to_string(i) + ".prefix_key", layers_[i].k});
      all.push_back({"layer." + std::to_string(i) + ".prefix_value", layers_[i].v});
    }
    return all;
  }

 private:
  std::vector<KeysValues> layers_;
};

}  // namespace

std::unique_ptr<Method> make_prefix(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<Prefix>(spec, borrow);
}

}  // namespace peftgrid::worker
