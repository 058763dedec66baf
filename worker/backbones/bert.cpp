#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>

#include "worker/backbones/backbone.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// BERT (Devlin et al., 2019) and its cousins: post-norm blocks, learned positions, with the semantics of transformers.
class Bert : public Backbone {
 public:
  using Backbone::Backbone;

  Tensor embedding(const Weights& w, const Tensor& ids) const override {
    const Tensor& table = w.at("word.weight");
    // A trained table's gradient has few lines that are not zero; a GPU adds up such lines in any order.
    return at::embedding(table, ids, -1, false, table.requires_grad() && table.is_cpu());
  }

  Tensor pooled(const Weights& w, const Sites& sites, const Tensor& x) const override {
    return at::tanh(sites.at({Site::Pooler, 0, x, w.linear("pooler", x)}));
  }

 private:
  Tensor activate(const Tensor& x) const {
    if (config().activation == "relu") return at::relu(x);
    return config().activation == "gelu_new" ? at::gelu(x, "tanh") : worker::gelu(x);
  }

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
    const Tensor h = normed(w, sites, {Site::StemNorm, 0}, "embedding_norm", typed, places);
    return sites.dropout(h, config().embedding_dropout, Purpose::EmbeddingDropout, 0);
  }

  Tensor block(const Weights& w, const Sites& sites, const Sites& asking, std::int64_t i,
               const Tensor& x) const override {
    const std::string layer = "layer." + std::to_string(i) + ".";
    const Tensor a = attend(w, sites, asking, i, layer, x);
    const auto project = [&](Site site, const char* name, const Tensor& in) {
      return asking.at({site, i, in, w.linear(layer + name, in)});
    };
    const Tensor up = project(Site::FfnUp, "ffn_up", a);
    const Tensor hidden = asking.at({Site::FfnHidden, i, up, activate(up)});
    const Tensor down = project(Site::FfnDown, "ffn_down", hidden);
    return close_branch(w, asking, {Site::FfnBranch, Site::FfnNorm, Purpose::FfnDropout, config().ffn_dropout}, i,
                        layer + "ffn_norm", down, a);
  }

  Tensor attend(const Weights& w, const Sites& sites, const Sites& asking, std::int64_t i, const std::string& layer,
                const Tensor& x) const {
    const auto project = [&](const Sites& of, Site site, const char* name, const Tensor& in) {
      return of.at({site, i, in, w.linear(layer + name, in)});
    };
    const Tensor mine = asking.lines(x);
    const Tensor q = project(asking, Site::Query, "query", mine);
    const Tensor k = project(sites, Site::Key, "key", x), v = project(sites, Site::Value, "value", x);
    const Tensor core = asking.attention(i, x, q, k, v, config().heads, config().attention_dropout);
    const Tensor adapted = asking.at({Site::AttnCore, i, q, core});
    const Tensor out = project(asking, Site::AttnOut, "attention_output", adapted);
    return close_branch(
        w, asking, {Site::AttnBranch, Site::AttnNorm, Purpose::AttentionOutDropout, config().attention_branch_dropout},
        i, layer + "attention_norm", out, mine);
  }

  struct Branch {
    Site branch, norm;
    Purpose purpose;
    double dropout;
  };
  /// Dropout, residual add and norm: what ends both halves of a block.
  Tensor close_branch(const Weights& w, const Sites& sites, const Branch& b, std::int64_t i, const std::string& norm,
                      const Tensor& y, const Tensor& residual) const {
    const Tensor dropped = sites.dropout(y, b.dropout, b.purpose, i);
    const auto joined = [&] { return w.add_norm(norm, dropped, residual, {config().norm_epsilon}).y; };
    const Tensor branch = sites.at({b.branch, i, y, dropped, joined, residual});
    return normed(w, sites, {b.norm, i}, norm, branch, residual);
  }

  struct Place {
    Site site;
    std::int64_t layer;
  };
  /// The norm of a + b, announced.
  Tensor normed(const Weights& w, const Sites& sites, const Place& at, const std::string& name, const Tensor& a,
                const Tensor& b) const {
    const Normed both = w.add_norm(name, a, b, {config().norm_epsilon});
    const auto plain = [&] { return at::layer_norm(both.sum, {both.sum.size(1)}, {}, {}, config().norm_epsilon); };
    return sites.at({at.site, at.layer, both.sum, both.y, {}, {}, plain});
  }
};

}  // namespace

std::unique_ptr<Backbone> make_bert(ModelFacts facts, double dropout) {
  return std::make_unique<Bert>(std::move(facts), dropout);
}

}  // namespace peftgrid::worker
