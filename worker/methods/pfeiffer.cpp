#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

namespace {

/// Pfeiffer's adapter (AdapterFusion, EACL 2021; library adapters: SeqBnConfig): after the feed-forward block, reading
/// the residual stream, h' = h_F + W_up relu(W_down joined + b_down) + b_up. Weights N(0, 0.02), biases 0.
class Pfeiffer : public Method {
 public:
  explicit Pfeiffer(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer) + ".adapter_";
      const auto drawn = [&](std::uint32_t which, const char* of) {
        return trained_.normal(name + of, setup.start(static_cast<std::uint32_t>(layer) << 8U | which), 0.02);
      };
      layers_.push_back({drawn(0, "down.weight"), trained_.zeros(name + "down.bias"), drawn(1, "up.weight"),
                         trained_.zeros(name + "up.bias")});
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    if (call.site != Site::FfnBranch) return {};
    const Bottleneck& layer = layers_[static_cast<std::size_t>(call.layer)];
    const at::Tensor inner = at::relu(at::linear(call.joined(), layer.down, layer.down_bias));
    return at::linear(inner, layer.up, layer.up_bias);
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  struct Bottleneck {
    at::Tensor down, down_bias, up, up_bias;
  };
  Parameters trained_;
  std::vector<Bottleneck> layers_;
};

}  // namespace

std::unique_ptr<Method> make_pfeiffer(const MethodSetup& setup) {
  return std::make_unique<Pfeiffer>(setup);
}

}  // namespace peftgrid::worker
