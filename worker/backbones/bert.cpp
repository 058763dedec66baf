#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include "worker/backbones/backbone.hpp"
#include "worker/plan/bert_config.hpp"

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// BERT (Devlin et al., 2019) with the semantics of transformers' BertForSequenceClassification: post-norm blocks,
/// learned positions, erf GELU unless config.json says otherwise.
class Bert : public Backbone {
 public:
  Bert(BertConfig config, std::string readout, bool pretrained_pooler, double dropout)
      : config_(std::move(config)), readout_(std::move(readout)), pretrained_pooler_(pretrained_pooler) {
    if (dropout >= 0) config_.hidden_dropout = config_.attention_dropout = config_.head_dropout = dropout;
  }

  Geometry geometry() const override {
    Geometry g;
    g.layers = config_.layers;
    g.width = g.kv_width = config_.width;
    g.ffn_width = config_.ffn_width;
    g.heads = config_.heads;
    g.head_dim = config_.width / config_.heads;
    g.max_positions = config_.max_positions;
    g.has_pooler = uses_pooler();
    return g;
  }

  Tensor forward(const Weights& w, const Batch& batch, const Sites& sites) const override {
    Tensor h = embed(w, batch, sites);
    const std::int64_t top = config_.layers - 1;
    for (std::int64_t layer = 0; layer < top; ++layer) h = block(w, sites, sites, layer, h);
    Tensor read;
    if (readout_ == "mean") {
      read = mean_of_rows(block(w, sites, sites, top, h), batch);
    } else {
      const Sites reading = sites.narrowed(readout_ == "last" ? last_tokens(batch) : first_tokens(batch));
      read = block(w, sites, reading, top, h).narrow(0, 0, batch.rows);
    }
    if (uses_pooler()) {
      read = at::tanh(sites.at({Site::Pooler, 0, read, w.linear("pooler.dense", read), {}}));
    }
    return sites.at({Site::Output, 0, read, read, {}});
  }

  std::string token_table() const override { return "embeddings.word_embeddings.weight"; }

  Tensor embedding(const Weights& w, const Tensor& ids) const override {
    const Tensor& table = w.at(token_table());
    // A trained table's gradient has few lines that are not zero; a GPU adds up such lines in any order.
    return at::embedding(table, ids, -1, false, table.requires_grad() && table.is_cpu());
  }

  std::string canonical_name(const std::string& in_file) const override { return canonical_bert_name(in_file); }

  std::vector<std::string> tensors() const override { return top_tensors(-1); }

  bool is_product(const std::string& name) const override {
    return name.ends_with(".weight") && name.find("LayerNorm") == std::string::npos &&
           name.find("embeddings") == std::string::npos;
  }

  std::vector<std::string> top_tensors(std::int64_t layers) const override {
    std::vector<std::string> names;
    for (const auto& [name, shape] : bert_tensors(config_)) {
      if (layers < 0 || layer_of(name) >= config_.layers - layers) names.push_back(name);
    }
    if (uses_pooler()) {
      for (const auto& [name, shape] : bert_pooler_tensors(config_)) names.push_back(name);
    }
    return names;
  }

  bool needs_new_pooler() const override { return readout_ == "pooler" && !pretrained_pooler_; }
  double head_dropout() const override { return config_.head_dropout; }
  std::int64_t vocabulary() const override { return config_.vocabulary; }

 private:
  bool uses_pooler() const { return readout_ == "pooler" && pretrained_pooler_; }

  /// -1 for the embeddings.
  static std::int64_t layer_of(const std::string& name) {
    constexpr std::string_view kPrefix = "encoder.layer.";
    return name.starts_with(kPrefix) ? std::stoll(name.substr(kPrefix.size())) : -1;
  }

  Tensor activate(const Tensor& x) const {
    if (config_.activation == "relu") return at::relu(x);
    return config_.activation == "gelu_new" ? at::gelu(x, "tanh") : worker::gelu(x);
  }

  Tensor embed(const Weights& w, const Batch& batch, const Sites& sites) const {
    const Tensor words = sites.with_prompts(embedding(w, batch.ids));
    const Tensor typed = words + at::embedding(w.at("embeddings.token_type_embeddings.weight"), batch.types);
    const Tensor places = at::embedding(w.at("embeddings.position_embeddings.weight"), batch.positions);
    const Normed stem = w.add_norm("embeddings.LayerNorm", typed, places, config_.norm_epsilon);
    const Tensor h = sites.at({Site::StemNorm, 0, stem.sum, stem.y, {}});
    return sites.dropout(h, config_.hidden_dropout, Purpose::EmbeddingDropout, 0);
  }

  /// x [tokens, width] to [lines of `asking`, width]: all tokens are keys and values, what `asking` leaves out asks for
  /// nothing. A readout that takes one token a row is spared most of the last block so, numbers unchanged.
  Tensor block(const Weights& w, const Sites& sites, const Sites& asking, std::int64_t i, const Tensor& x) const {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    const Tensor a = attend(w, sites, asking, i, layer + "attention.", x);
    const auto project = [&](Site site, const std::string& name, const Tensor& in) {
      return asking.at({site, i, in, w.linear(layer + name, in), {}});
    };
    const Tensor up = project(Site::FfnUp, "intermediate.dense", a);
    const Tensor hidden = asking.at({Site::FfnHidden, i, up, activate(up), {}});
    const Tensor down = project(Site::FfnDown, "output.dense", hidden);
    return close_branch(w, asking, {Site::FfnBranch, Site::FfnNorm, Purpose::FfnDropout}, i, layer + "output.", down,
                        a);
  }

  Tensor attend(const Weights& w, const Sites& sites, const Sites& asking, std::int64_t i, const std::string& name,
                const Tensor& x) const {
    const auto project = [&](const Sites& of, Site site, const char* part, const Tensor& in) {
      return of.at({site, i, in, w.linear(name + "self." + part, in), {}});
    };
    const Tensor mine = asking.lines(x);
    const Tensor q = project(asking, Site::Query, "query", mine);
    const Tensor k = project(sites, Site::Key, "key", x), v = project(sites, Site::Value, "value", x);
    const Tensor core = asking.attention(i, x, q, k, v, config_.heads, config_.attention_dropout);
    const Tensor adapted = asking.at({Site::AttnCore, i, q, core, {}});
    const Tensor out = asking.at({Site::AttnOut, i, adapted, w.linear(name + "output.dense", adapted), {}});
    return close_branch(w, asking, {Site::AttnBranch, Site::AttnNorm, Purpose::AttentionOutDropout}, i,
                        name + "output.", out, mine);
  }

  struct Branch {
    Site branch, norm;
    Purpose dropout;
  };
  /// Dropout, residual add and norm: what ends both halves of a block.
  Tensor close_branch(const Weights& w, const Sites& sites, const Branch& b, std::int64_t i, const std::string& name,
                      const Tensor& y, const Tensor& residual) const {
    const auto join = [&](const Tensor& branch) {
      return w.add_norm(name + "LayerNorm", branch, residual, config_.norm_epsilon);
    };
    const Tensor dropped = sites.dropout(y, config_.hidden_dropout, b.dropout, i);
    const Tensor branch = sites.at({b.branch, i, y, dropped, [&] { return join(dropped).y; }});
    const Normed joined = join(branch);
    return sites.at({b.norm, i, joined.sum, joined.y, {}});
  }

  static Tensor mean_of_rows(const Tensor& h, const Batch& batch) {
    if (!h.is_cpu()) {  // index_add would add in any order
      const Tensor whose = at::arange(batch.rows, batch.row_of_token.options()).unsqueeze(1);
      return at::matmul(batch.row_of_token.eq(whose) * batch.share.t(), at::index_select(h, 0, batch.real));
    }
    const Tensor weighted = at::index_select(h, 0, batch.real) * batch.share;
    return at::zeros({batch.rows, h.size(1)}, h.options()).index_add(0, batch.row_of_token, weighted);
  }

  BertConfig config_;
  std::string readout_;
  bool pretrained_pooler_;
};

}  // namespace

std::unique_ptr<Backbone> make_bert(const std::string& folder, const std::string& readout, bool pretrained_pooler,
                                    double dropout) {
  return std::make_unique<Bert>(read_bert_config(folder), readout, pretrained_pooler, dropout);
}

}  // namespace peftgrid::worker
