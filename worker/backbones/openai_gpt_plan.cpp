#include <fmt/format.h>

#include "worker/backbones/decoder_plan.hpp"

namespace peftgrid::worker {

namespace {

ModelConfig read_openai_gpt(const ConfigReader& read) {
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.width = read.size("n_embd", 65'536);
  model.layers = read.size("n_layer", 1'000);
  model.heads = model.kv_heads = read.size("n_head", 4'096);
  share_out(read, model, "n_embd", "n_head");
  model.ffn_width = 4 * model.width;
  model.positions = read.size("n_positions", 1'000'000);
  // Its "gelu" is the approximation by tanh, in the authors' code and in transformers.
  model.activation = read.text("afn", {"gelu", "gelu_new", "relu"}, "gelu") == "relu" ? "relu" : "gelu_new";
  model.norm_epsilon = read.real("layer_norm_epsilon", 1e-20, 1e-2, 1e-5);
  model.embedding_dropout = read.real("embd_pdrop", 0, 0.9, 0.1);
  model.attention_dropout = read.real("attn_pdrop", 0, 0.9, 0.1);
  model.attention_branch_dropout = model.ffn_dropout = read.real("resid_pdrop", 0, 0.9, 0.1);
  model.head_dropout = std::nullopt;
  return model;
}

std::vector<TensorFact> openai_gpt_tensors(const ModelConfig& config, bool /*pooler*/) {
  TensorList list;
  list.table("word", "tokens_embed", config.vocabulary, config.width);
  list.table("position", "positions_embed", config.positions, config.width);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("h.{}.", i);
    list_gpt_products(config, i, list);
    list.norm(ours + "attention_norm", theirs + "ln_1", config.width, i);
    list.norm(ours + "ffn_norm", theirs + "ln_2", config.width, i);
  }
  return list.take();
}

}  // namespace

/// GPT-1 (Radford et al., 2018).
const Architecture& openai_gpt_architecture() {
  static const Architecture openai_gpt = [] {
    Architecture a;
    a.name = "openai-gpt";
    a.prefixes = {"transformer."};
    a.head = decoder_head();
    a.readouts = decoder_readouts();
    a.read = read_openai_gpt;
    a.tensors = openai_gpt_tensors;
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) {
      Geometry geometry = decoder_geometry(config, NormOrder::PostNorm);
      geometry.fused = {{Site::Query, Site::Key, Site::Value}};
      return geometry;
    };
    return a;
  }();
  return openai_gpt;
}

}  // namespace peftgrid::worker
