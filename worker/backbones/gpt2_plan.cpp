#include <fmt/format.h>

#include "worker/backbones/decoder_plan.hpp"

namespace peftgrid::worker {

namespace {

/// Keys that make another model of the same weights.
void refuse_other_forms(const ConfigReader& read) {
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"}) {
    if (read.is_true(key)) {
      read.fail(fmt::format("\"{}\" is true: another model's attention; GPT-2's false is what runs here", key));
    }
  }
  if (read.has("scale_attn_weights") && !read.is_true("scale_attn_weights")) {
    read.fail("\"scale_attn_weights\" is false: another model's attention; GPT-2's true is what runs here");
  }
}

ModelConfig read_gpt2(const ConfigReader& read) {
  refuse_other_forms(read);
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.width = read.size("n_embd", 65'536);
  model.layers = read.size("n_layer", 1'000);
  model.heads = model.kv_heads = read.size("n_head", 4'096);
  share_out(read, model, "n_embd", "n_head");
  model.ffn_width = read.has("n_inner") ? read.size("n_inner", 1'000'000) : 4 * model.width;
  model.positions = read.size("n_positions", 1'000'000);
  model.activation = read.text("activation_function", {"gelu_new", "gelu", "relu", "gelu_pytorch_tanh"}, "gelu_new");
  if (model.activation == "gelu_pytorch_tanh") model.activation = "gelu_new";
  model.norm_epsilon = read.real("layer_norm_epsilon", 1e-20, 1e-2, 1e-5);
  model.embedding_dropout = read.real("embd_pdrop", 0, 0.9, 0.1);
  model.attention_dropout = read.real("attn_pdrop", 0, 0.9, 0.1);
  model.attention_branch_dropout = model.ffn_dropout = read.real("resid_pdrop", 0, 0.9, 0.1);
  model.head_dropout = std::nullopt;
  return model;
}

std::vector<TensorFact> gpt2_tensors(const ModelConfig& config, bool /*pooler*/) {
  const std::int64_t d = config.width;
  TensorList list;
  list.table("word", "wte", config.vocabulary, d);
  list.table("position", "wpe", config.positions, d);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("h.{}.", i);
    list.norm(ours + "attention_norm", theirs + "ln_1", d, i);
    list.norm(ours + "ffn_norm", theirs + "ln_2", d, i);
    list_gpt_products(config, i, list);
  }
  list.norm("final_norm", "ln_f", d, config.layers);
  return list.take();
}

}  // namespace

/// GPT-2 (Radford et al., 2019).
const Architecture& gpt2_architecture() {
  static const Architecture gpt2 = [] {
    Architecture a;
    a.name = "gpt2";
    a.prefixes = {"transformer."};
    a.head = decoder_head();
    a.readouts = decoder_readouts();
    a.read = read_gpt2;
    a.tensors = gpt2_tensors;
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) {
      Geometry geometry = decoder_geometry(config);
      geometry.fused = {{Site::Query, Site::Key, Site::Value}};
      return geometry;
    };
    return a;
  }();
  return gpt2;
}

}  // namespace peftgrid::worker
