#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>

#include "worker/backbones/backbone.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// BERT (Devlin et al., 2019), its cousins and GPT-1 (Radford et al., 2018), which norms no embeddings: post-norm
/// blocks and learned positions, with the semantics of transformers.
class Bert : public Backbone {
 public:
  using Backbone::Backbone;

 private:
  /// A table of one type gives every token the same vector, whatever the tokenizer says.
  Tensor with_types(const Weights& w, const Batch& batch, const Tensor& words) const {
    if (config().token_types == 0) return words;
    const Tensor& table = w.at("type.weight");
    return words + (config().token_types == 1 ? table : at::embedding(table, batch.types));
  }

  Tensor embed(const Weights& w, const Batch& batch, const Sites& sites) const override {
    const Tensor words = sites.with_prompts(embedding(w, batch.ids));
    const Tensor typed = with_types(w, batch, words);
    const Tensor places = at::embedding(w.at("position.weight"), batch.positions);
    const bool norms = facts().geometry.has(Site::StemNorm);
    const Tensor h =
        norms ? normed(config(), w, sites, {Site::StemNorm, 0, "embedding_norm"}, typed, places).y : typed + places;
    return sites.dropout(h, config().embedding_dropout.value_or(0), Purpose::EmbeddingDropout, 0);
  }

  Tensor block(const BlockRun& run, const Tensor& x) const override { return post_norm_block(run, x); }
};

}  // namespace

std::unique_ptr<Backbone> make_bert(ModelFacts facts, double dropout) {
  return std::make_unique<Bert>(std::move(facts), dropout);
}

}  // namespace peftgrid::worker
