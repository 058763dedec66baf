#include <fmt/format.h>

#include "worker/backbones/decoder_plan.hpp"

namespace peftgrid::worker {

namespace {

/// What a file calls GPT-1's and GPT-2's tables; their blocks are called alike.
struct GptNames {
  const char *words, *positions;
  const char* final_norm;  // null: there is none
};

/// A linear layer whose weight lies the other way round (Conv1D).
TensorFact conv1d() {
  TensorFact within;
  within.transposed = true;
  return within;
}

/// The `which`-th of the three that one such weight holds.
TensorFact third_of_conv1d(const char* name, std::int64_t which, std::int64_t rows) {
  TensorFact within = conv1d();
  within.part = name;
  within.first_row = which * rows;
  within.file_rows = 3 * rows;
  return within;
}

void list_block(const ModelConfig& config, std::int64_t i, TensorList& list) {
  const std::int64_t d = config.width, f = config.ffn_width;
  const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("h.{}.", i);
  list.norm(ours + "attention_norm", theirs + "ln_1", d, i);
  std::int64_t which = 0;
  for (const char* name : {"query", "key", "value"}) {
    list.linear(ours + name, theirs + "attn.c_attn", {d, d}, i, true, third_of_conv1d(name, which++, d));
  }
  list.linear(ours + "attention_output", theirs + "attn.c_proj", {d, d}, i, true, conv1d());
  list.norm(ours + "ffn_norm", theirs + "ln_2", d, i);
  list.linear(ours + "ffn_up", theirs + "mlp.c_fc", {f, d}, i, true, conv1d());
  list.linear(ours + "ffn_down", theirs + "mlp.c_proj", {d, f}, i, true, conv1d());
}

std::vector<TensorFact> gpt_tensors(const ModelConfig& config, const GptNames& names) {
  TensorList list;
  list.table("word", names.words, config.vocabulary, config.width);
  list.table("position", names.positions, config.positions, config.width);
  for (std::int64_t i = 0; i < config.layers; ++i) list_block(config, i, list);
  if (names.final_norm != nullptr) list.norm("final_norm", names.final_norm, config.width, config.layers);
  return list.take();
}

/// The keys that both have; the activation is still to be read.
ModelConfig read_gpt(const ConfigReader& read) {
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.width = read.size_of_two("n_embd", "hidden_size", 65'536);
  model.layers = read.size_of_two("n_layer", "num_hidden_layers", 1'000);
  model.heads = model.kv_heads = read.size_of_two("n_head", "num_attention_heads", 4'096);
  share_out(read, model, "n_embd", "n_head");
  model.ffn_width = 4 * model.width;
  model.positions = read.size_of_two("n_positions", "max_position_embeddings", 1'000'000);
  model.norm_epsilon = read.real("layer_norm_epsilon", 1e-20, 1, 1e-5);
  model.embedding_dropout = read.real("embd_pdrop", 0, 0.9, 0.1);
  model.attention_dropout = read.real("attn_pdrop", 0, 0.9, 0.1);
  model.attention_branch_dropout = model.ffn_dropout = read.real("resid_pdrop", 0, 0.9, 0.1);
  model.head_dropout = std::nullopt;
  model.inserted_head_dropout = read.real("summary_first_dropout", 0, 0.9, 0.1);  // transformers' name for it
  return model;
}

ModelConfig read_openai_gpt(const ConfigReader& read) {
  ModelConfig model = read_gpt(read);
  // Its "gelu" is the approximation by tanh, in the authors' code and in transformers.
  model.activation = read.text("afn", {"gelu", "relu"}, "gelu") == "relu" ? "relu" : "gelu_new";
  return model;
}

/// Keys that make another model of GPT-2's weights.
void refuse_other_forms(const ConfigReader& read) {
  // "reorder_and_upcast_attn" is for the rounding of half precision: attention runs in fp32 here.
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
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
  ModelConfig model = read_gpt(read);
  if (read.has("n_inner")) model.ffn_width = read.size("n_inner", 1'000'000);
  model.activation = read.text("activation_function", {"gelu_new", "gelu", "relu", "gelu_pytorch_tanh"}, "gelu_new");
  if (model.activation == "gelu_pytorch_tanh") model.activation = "gelu_new";
  return model;
}

Geometry gpt_geometry(const ModelConfig& config, NormOrder order) {
  Geometry geometry = decoder_geometry(config, order);
  geometry.fused = {{Site::Query, Site::Key, Site::Value}};
  return geometry;
}

}  // namespace

/// GPT-1 (Radford et al., 2018).
const Architecture& openai_gpt_architecture() {
  static const Architecture openai_gpt = [] {
    Architecture a = decoder_architecture("openai-gpt", "transformer.");
    a.read = read_openai_gpt;
    a.ties_output = true;
    a.input = kInputGpt1;
    a.tensors = [](const ModelConfig& config, bool /*pooler*/) {
      return gpt_tensors(config, {"tokens_embed", "positions_embed", nullptr});
    };
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) { return gpt_geometry(config, NormOrder::PostNorm); };
    return a;
  }();
  return openai_gpt;
}

/// GPT-2 (Radford et al., 2019).
const Architecture& gpt2_architecture() {
  static const Architecture gpt2 = [] {
    Architecture a = decoder_architecture("gpt2", "transformer.");
    a.read = read_gpt2;
    a.ties_output = true;
    a.tensors = [](const ModelConfig& config, bool /*pooler*/) { return gpt_tensors(config, {"wte", "wpe", "ln_f"}); };
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) { return gpt_geometry(config, NormOrder::PreNorm); };
    return a;
  }();
  return gpt2;
}

}  // namespace peftgrid::worker
