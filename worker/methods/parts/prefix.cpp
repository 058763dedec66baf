#include "worker/methods/parts/prefix.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/unbind.h>

#include "worker/methods/parts/dense_network.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint32_t place_of(std::int64_t layer, std::uint32_t which) {
  return static_cast<std::uint32_t>(layer) << 8U | which;
}

/// Prefix tuning (Li and Liang, ACL 2021): keys and values P_K, P_V [P, d_kv] before each row's own, in every layer.
/// Flat, they train themselves. With a network, [P_K; P_V] of all layers = W_b tanh(W_a E + b_a) + b_b: embeddings E
/// [P, d], which start as N(0, 1), and two dense layers train, and the keys and values are stored. Dropout falls on
/// each row's own copy of them, as P-tuning v2's (Liu et al., ACL 2022) falls on what it repeats for the batch.
class Prefix : public Method {
 public:
  Prefix(const MethodSetup& setup, const PrefixSettings& settings)
      : trained_(setup.facts.parameters), settings_(settings), geometry_(setup.model.geometry) {
    if (settings.network_width > 0) {
      embedding_ = trained_.normal("prefix_embedding", setup.start(0), 1.0);
      network_ = {trained_, setup, "prefix_network", at::tanh, 1};
      return;
    }
    for (std::int64_t layer = 0; layer < geometry_.layers; ++layer) {
      const auto drawn = [&](std::uint32_t which, const char* of) {
        return trained_.normal(prefix_name(layer, of), setup.start(place_of(layer, which)), settings.deviation);
      };
      const at::Tensor key = drawn(0, "key");
      layers_.push_back({key, drawn(1, "value")});
    }
  }

  void begin(const Pass& /*pass*/) override {
    if (embedding_.defined()) layers_ = made();
  }

  KeysValues extra_kv(std::int64_t layer, const at::Tensor& /*x*/, const Pass& pass) override {
    const KeysValues& own = layers_[static_cast<std::size_t>(layer)];
    return {pass.row_dropout(own.k, settings_.dropout, place_of(layer, 0)),
            pass.row_dropout(own.v, settings_.dropout, place_of(layer, 1))};
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

  std::vector<Stored> stored() override {
    if (!embedding_.defined()) return Method::stored();
    const at::NoGradGuard no_gradient;
    std::vector<Stored> all;
    const std::vector<KeysValues> now = made();
    for (std::int64_t layer = 0; layer < geometry_.layers; ++layer) {
      const KeysValues& own = now[static_cast<std::size_t>(layer)];
      all.push_back({prefix_name(layer, "key"), own.k});
      all.push_back({prefix_name(layer, "value"), own.v});
    }
    return all;
  }

 private:
  /// The network's output, cut: key of layer 0, value of layer 0, key of layer 1 and so on, as peft and AdapterHub cut
  /// it.
  std::vector<KeysValues> made() const {
    const at::Tensor all = network_(embedding_).view({settings_.length, 2 * geometry_.layers, geometry_.kv_width()});
    const std::vector<at::Tensor> each = at::unbind(all, 1);
    std::vector<KeysValues> layers;
    for (std::size_t i = 0; i < each.size(); i += 2) layers.push_back({each[i], each[i + 1]});
    return layers;
  }

  Parameters trained_;
  PrefixSettings settings_;
  Geometry geometry_;
  at::Tensor embedding_;  // undefined where it is flat
  DenseNetwork network_;
  std::vector<KeysValues> layers_;  // [length, kv_width] each; those of a network are of the latest pass
};

}  // namespace

std::unique_ptr<Method> make_prefix_of(const MethodSetup& setup, const PrefixSettings& settings) {
  return std::make_unique<Prefix>(setup, settings);
}

}  // namespace peftgrid::worker
