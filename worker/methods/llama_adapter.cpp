#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <map>

#include "worker/methods/method.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// LLaMA-Adapter (Zhang et al., ICLR 2024): a prompt A [K, d] in a layer goes through the layer's own frozen key and
/// value products, biases included and unturned, and each head attends to it apart from the text:
///   core += gate * softmax(q (W_k A + b_k)^T / sqrt(head size)) (W_v A + b_v)
/// where gate is tanh(g) with a g for each head, as in the authors' code, or one g a layer without tanh, as in peft. g
/// = 0 at start, which is the identity; A is N(0, 1). No decay on g.
class LlamaAdapter : public Method {
 public:
  explicit LlamaAdapter(const MethodSetup& setup)
      : trained_(setup.facts.parameters),
        frozen_(setup.base.weights),
        head_dim_(setup.model.geometry.head_dim),
        queries_a_key_(setup.model.geometry.heads / setup.model.geometry.kv_heads),
        by_head_(text_option(setup.spec, "gate") == "head") {
    for (std::int64_t layer = 0; layer < setup.model.geometry.layers; ++layer) {
      const std::string name = "layer." + std::to_string(layer);
      if (!trained_.lists(name + ".gate")) continue;
      Layer& mine = layers_[layer];
      mine.prompt = trained_.normal(name + ".adapter_prompt", setup.start(static_cast<std::uint32_t>(layer)), 1.0);
      mine.gate = trained_.zeros(name + ".gate");
    }
  }

  void begin(const Pass& /*pass*/) override {
    const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim_));
    for (auto& [layer, mine] : layers_) {
      const std::string name = "layer." + std::to_string(layer);
      mine.keys = serving(heads_of(frozen_->linear(name + ".key", mine.prompt)).transpose(1, 2) * scale);
      // The gate weighs the prompt's few values instead of what every token finds.
      const at::Tensor gate = by_head_ ? at::tanh(mine.gate) : mine.gate;
      mine.values = serving(heads_of(frozen_->linear(name + ".value", mine.prompt))) * gate.view({-1, 1, 1});
    }
  }

  at::Tensor delta(const SiteCall& call, const Pass& /*pass*/) override {
    if (call.site != Site::AttnCore) return {};
    const auto layer = layers_.find(call.layer);
    if (layer == layers_.end()) return {};
    const at::Tensor shares = at::softmax(at::bmm(heads_of(call.x), layer->second.keys), 2);
    return at::bmm(shares, layer->second.values).transpose(0, 1).reshape(call.y.sizes());
  }

  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  /// [lines, width] to [heads, lines, head size].
  at::Tensor heads_of(const at::Tensor& x) const { return x.view({x.size(0), -1, head_dim_}).transpose(0, 1); }
  /// Each key head once for every head of the queries that it serves.
  at::Tensor serving(const at::Tensor& x) const {
    return queries_a_key_ == 1 ? x : at::repeat_interleave(x, queries_a_key_, 0);
  }

  struct Layer {
    at::Tensor prompt, gate;
    at::Tensor keys, values;  // of the latest pass: [heads, head size, K], [heads, K, head size]
  };
  Parameters trained_;
  const Weights* frozen_;
  std::int64_t head_dim_, queries_a_key_;
  bool by_head_;
  std::map<std::int64_t, Layer> layers_;
};

}  // namespace

std::unique_ptr<Method> make_llama_adapter(const MethodSetup& setup) {
  return std::make_unique<LlamaAdapter>(setup);
}

}  // namespace peftgrid::worker
