#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>

#include "worker/backbones/backbone.hpp"
#include "worker/backbones/rotary.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// GPT-2 (Radford et al., 2019), LLaMA (Touvron et al., 2023) and their cousins: pre-norm blocks under a causal mask
/// and a norm behind the last one, with the semantics of transformers. What differs is in their ModelConfig.
class Decoder : public Backbone {
 public:
  using Backbone::Backbone;

 private:
  Tensor embed(const Weights& w, const Batch& batch, const Sites& sites) const override {
    const Tensor words = sites.with_prompts(embedding(w, batch.ids));
    const Tensor table = w.find("position.weight");
    const Tensor h = table.defined() ? words + at::embedding(table, batch.positions) : words;
    return sites.dropout(h, config().embedding_dropout.value_or(0), Purpose::EmbeddingDropout, 0);
  }

  Rotation rotation(const Batch& batch) const override {
    if (config().rotary.turned == 0) return {};
    return rotation_at(config().rotary, config().head_dim, batch.positions);
  }

  Tensor block(const BlockRun& run, const Tensor& x) const override { return pre_norm_block(run, x); }

  Tensor finish(const Weights& w, const Sites& sites, const Tensor& x) const override {
    return normed(config(), w, sites, {Site::FinalNorm, 0, "final_norm"}, x, {}).y;
  }
};

}  // namespace

std::unique_ptr<Backbone> make_decoder(ModelFacts facts, double dropout) {
  return std::make_unique<Decoder>(std::move(facts), dropout);
}

}  // namespace peftgrid::worker
