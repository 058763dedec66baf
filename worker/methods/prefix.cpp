#include "worker/methods/method.hpp"

namespace peftgrid::worker {

namespace {

/// Prefix tuning (Li and Liang, ACL 2021), flat: trained keys and values before each row's own, in every layer. All
/// real tokens keep their positions (as in UniPELT and AdapterHub; peft shifts them). N(0, 1) at start, as peft and
/// AdapterHub.
class Prefix : public Method {
 public:
  explicit Prefix(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      const auto drawn = [&](std::uint32_t which, const char* of) {
        return trained_.normal("layer." + std::to_string(layer) + ".prefix_" + of,
                               setup.start(static_cast<std::uint32_t>(layer) << 8U | which), 1.0);
      };
      const at::Tensor key = drawn(0, "key");
      layers_.push_back({key, drawn(1, "value")});
    }
  }

  KeysValues extra_kv(std::int64_t layer, const at::Tensor& /*x*/, const Pass& /*pass*/) override {
    const KeysValues& own = layers_[static_cast<std::size_t>(layer)];
    return {own.k.unsqueeze(0), own.v.unsqueeze(0)};
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  std::vector<KeysValues> layers_;
};

}  // namespace

std::unique_ptr<Method> make_prefix(const MethodSetup& setup) {
  return std::make_unique<Prefix>(setup);
}

}  // namespace peftgrid::worker
