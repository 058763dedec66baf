#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// Pfeiffer's adapter (AdapterFusion, EACL 2021; library adapters: SeqBnConfig): after the feed-forward block, reading
/// the residual stream, h' = h_F + W_up relu(W_down joined + b_down) + b_up. Weights N(0, 0.02), biases 0.
class Pfeiffer : public Method {
 public:
  Pfeiffer(const MethodSpec& spec, const Borrow& borrow) {
    const std::int64_t width = borrow.geometry.width;
    const std::int64_t bottleneck = width / integer_option(spec, "reduction");
    const auto zeros = [](std::int64_t count) {
      return trained(std::vector<float>(static_cast<std::size_t>(count)), {count});
    };
    for (std::int64_t layer = 0; layer < borrow.geometry.layers; ++layer) {
      const auto drawn = [&](std::uint32_t which, at::IntArrayRef shape) {
        const Key key = stream(borrow.seed, Purpose::MethodInit, static_cast<std::uint32_t>(layer) << 8 | which);
        return trained(normal(key, bottleneck * width, 0.02), shape);
      };
      layers_.push_back(
          {drawn(0, {bottleneck, width}), zeros(bottleneck), drawn(1, {width, bottleneck}), zeros(width)});
    }
  }

  at::Tensor delta(const Step& step, const Pass& /*pass*/) override {
    if (step.site != Site::FfnBranch) return {};
    const Bottleneck& layer = layers_[static_cast<std::size_t>(step.layer)];
    const at::Tensor inner = at::relu(at::linear(step.joined(), layer.down, layer.down_bias));
    return at::linear(inner, layer.up, layer.up_bias);
  }

  std::vector<Trained> parameters() const override {
    std::vector<Trained> all;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::string name = "layer." + std::to_string(i) + ".adapter_";
      all.push_back({name + "down.weight", layers_[i].down});
      all.push_back({name + "down.bias", layers_[i].down_bias, false});
      all.push_back({name + "up.weight", layers_[i].up});
      all.push_back({name + "up.bias", layers_[i].up_bias, false});
    }
    return all;
  }

 private:
  struct Bottleneck {
    at::Tensor down, down_bias, up, up_bias;
  };
  std::vector<Bottleneck> layers_;
};

}  // namespace

std::unique_ptr<Method> make_pfeiffer(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<Pfeiffer>(spec, borrow);
}

}  // namespace peftgrid::worker
