#include <fmt/format.h>

#include "worker/backbones/decoder_plan.hpp"
#include "worker/backbones/rotary_plan.hpp"

namespace peftgrid::worker {

namespace {

constexpr double kHalf = 0.5;  // of each head turns, pair by pair of neighbours

/// What GLM's blocks have in common, whoever wrote the file.
ModelConfig glm_like() {
  ModelConfig model;
  model.activation = "silu";
  model.root_mean_square = true;
  model.style.gated = true;
  model.style.norm_shift = model.style.ffn_bias = model.style.attention_output_bias = false;
  model.embedding_dropout = model.head_dropout = std::nullopt;
  model.inserted_head_dropout = 0;
  return model;
}

// ---- the form of the original release ----

void refuse_other_releases(const ConfigReader& read) {
  for (const char* key : {"apply_residual_connection_post_layernorm", "add_bias_linear"}) {
    if (read.is_true(key))
      read.fail(fmt::format("\"{}\" is true: another model's blocks; false is what runs here", key));
  }
  for (const char* key : {"rmsnorm", "post_layer_norm"}) {
    if (read.has(key) && !read.is_true(key)) {
      read.fail(fmt::format("\"{}\" is false: another model's norms; true is what runs here", key));
    }
  }
  if (read.has("rope_ratio") && read.real("rope_ratio", 0, 1e6, 1) != 1) {
    read.fail(
        "\"rope_ratio\" is not 1, and releases differ in what it does (it divides positions in ChatGLM2-32k, and "
        "multiplies the base in ChatGLM3-32k and GLM-4); a model with 1, or one in transformers' form (glm), is read");
  }
  for (const char* key : {"pre_seq_len", "quantization_bit"}) {
    if (read.has(key) && read.size(key, 1'000'000, 0, 0) != 0) {
      read.fail(fmt::format("\"{}\" is set: these are not the plain weights of the release", key));
    }
  }
}

ModelConfig read_chatglm(const ConfigReader& read) {
  refuse_other_releases(read);
  ModelConfig model = glm_like();
  model.vocabulary = read.size("padded_vocab_size", 10'000'000);
  model.width = read.size("hidden_size", 65'536);
  model.layers = read.size("num_layers", 1'000);
  model.heads = model.kv_heads = read.size("num_attention_heads", 4'096);
  if (read.is_true("multi_query_attention")) model.kv_heads = read.size("multi_query_group_num", 4'096);
  share_keys(read, model, "multi_query_group_num", "num_attention_heads");
  model.head_dim = read.size("kv_channels", 4'096);
  model.ffn_width = read.size("ffn_hidden_size", 1'000'000);
  model.positions = read.size("seq_length", 100'000'000);
  model.norm_epsilon = read.real("layernorm_epsilon", 1e-20, 1e-2, 1e-5);
  model.style.query_key_value_bias = read.is_true("add_qkv_bias");
  model.attention_dropout = read.real("attention_dropout", 0, 0.9, 0);
  model.attention_branch_dropout = model.ffn_dropout = read.real("hidden_dropout", 0, 0.9, 0);
  if (model.head_dim % 4 != 0) read.fail(fmt::format("\"kv_channels\" is {}, whose half is no pairs", model.head_dim));
  model.rotary.turned = model.head_dim / 2;
  model.rotary.base = 10'000;
  model.rotary.interleaved = true;
  return model;
}

/// The `rows` of a fused matrix from `first` on.
TensorFact part_of(const char* name, std::int64_t first, std::int64_t all) {
  TensorFact within;
  within.part = name;
  within.first_row = first;
  within.file_rows = all;
  return within;
}

void list_gate_and_up(const ModelConfig& config, const std::string& ours, const std::string& fused, std::int64_t i,
                      TensorList& list) {
  const std::int64_t d = config.width, f = config.ffn_width;
  list.linear(ours + "ffn_gate", fused, {f, d}, i, false, part_of("gate", 0, 2 * f));
  list.linear(ours + "ffn_up", fused, {f, d}, i, false, part_of("up", f, 2 * f));
}

std::vector<TensorFact> chatglm_tensors(const ModelConfig& config, bool /*pooler*/) {
  const std::int64_t d = config.width, f = config.ffn_width;
  const std::int64_t q = config.heads * config.head_dim, kv = config.kv_heads * config.head_dim, all = q + 2 * kv;
  const bool bias = config.style.query_key_value_bias;
  TensorList list;
  list.table("word", "embedding.word_embeddings", config.vocabulary, d);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("encoder.layers.{}.", i);
    const std::string fused = theirs + "self_attention.query_key_value";
    list.norm(ours + "attention_norm", theirs + "input_layernorm", d, i, false);
    list.linear(ours + "query", fused, {q, d}, i, bias, part_of("query", 0, all));
    list.linear(ours + "key", fused, {kv, d}, i, bias, part_of("key", q, all));
    list.linear(ours + "value", fused, {kv, d}, i, bias, part_of("value", q + kv, all));
    list.linear(ours + "attention_output", theirs + "self_attention.dense", {d, q}, i, false);
    list.norm(ours + "ffn_norm", theirs + "post_attention_layernorm", d, i, false);
    list_gate_and_up(config, ours, theirs + "mlp.dense_h_to_4h", i, list);
    list.linear(ours + "ffn_down", theirs + "mlp.dense_4h_to_h", {d, f}, i, false);
  }
  list.norm("final_norm", "encoder.final_layernorm", d, config.layers, false);
  return list.take();
}

// ---- transformers' form ----

ModelConfig read_glm(const ConfigReader& read) {
  ModelConfig model = glm_like();
  constexpr std::int64_t kUsualPad = 151'329, kUsualKeyHeads = 2;  // transformers' GlmConfig
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.padding_index = read_padding_index(read, model.vocabulary, kUsualPad);
  model.width = read.size("hidden_size", 65'536);
  model.layers = read.size("num_hidden_layers", 1'000);
  model.heads = read.size("num_attention_heads", 4'096);
  model.kv_heads = read.size("num_key_value_heads", 4'096, kUsualKeyHeads);
  share_keys(read, model, "num_key_value_heads", "num_attention_heads");
  model.head_dim = read.size("head_dim", 4'096, 128);
  model.ffn_width = read.size("intermediate_size", 1'000'000);
  model.positions = read.size("max_position_embeddings", 100'000'000);
  read.text("hidden_act", {"silu", "swish"}, "silu");
  model.norm_epsilon = read.real("rms_norm_eps", 1e-20, 1, 1.5625e-7);
  model.style.query_key_value_bias = !read.has("attention_bias") || read.is_true("attention_bias");
  model.attention_dropout = read.real("attention_dropout", 0, 0.9, 0);
  model.attention_branch_dropout = model.ffn_dropout = std::nullopt;
  model.rotary = read_rotary(read, model.head_dim, kHalf);
  model.rotary.interleaved = true;
  return model;
}

std::vector<TensorFact> glm_tensors(const ModelConfig& config, bool /*pooler*/) {
  const std::int64_t d = config.width, f = config.ffn_width;
  const std::int64_t q = config.heads * config.head_dim, kv = config.kv_heads * config.head_dim;
  const bool bias = config.style.query_key_value_bias;
  TensorList list;
  list.table("word", "embed_tokens", config.vocabulary, d);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("layers.{}.", i);
    list.norm(ours + "attention_norm", theirs + "input_layernorm", d, i, false);
    list.linear(ours + "query", theirs + "self_attn.q_proj", {q, d}, i, bias);
    list.linear(ours + "key", theirs + "self_attn.k_proj", {kv, d}, i, bias);
    list.linear(ours + "value", theirs + "self_attn.v_proj", {kv, d}, i, bias);
    list.linear(ours + "attention_output", theirs + "self_attn.o_proj", {d, q}, i, false);
    list.norm(ours + "ffn_norm", theirs + "post_attention_layernorm", d, i, false);
    list_gate_and_up(config, ours, theirs + "mlp.gate_up_proj", i, list);
    list.linear(ours + "ffn_down", theirs + "mlp.down_proj", {d, f}, i, false);
  }
  list.norm("final_norm", "norm", d, config.layers, false);
  return list.take();
}

}  // namespace

/// ChatGLM2 and ChatGLM3 (Du et al., 2022; Zeng et al., 2024), and GLM-4-9B in the form of its release.
const Architecture& chatglm_architecture() {
  static const Architecture chatglm = [] {
    Architecture a = decoder_architecture("chatglm", "transformer.");
    a.output_in_file = "output_layer.weight";
    a.read = read_chatglm;
    a.tensors = chatglm_tensors;
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) {
      Geometry geometry = decoder_geometry(config);
      geometry.fused = {{Site::Query, Site::Key, Site::Value}, {Site::FfnGate, Site::FfnUp}};
      return geometry;
    };
    return a;
  }();
  return chatglm;
}

/// The same in transformers' form.
const Architecture& glm_architecture() {
  static const Architecture glm = [] {
    Architecture a = decoder_architecture("glm", "model.");
    a.read = read_glm;
    a.tensors = glm_tensors;
    a.geometry = [](const ModelConfig& config, bool /*pooler*/) {
      Geometry geometry = decoder_geometry(config);
      geometry.fused = {{Site::FfnGate, Site::FfnUp}};
      return geometry;
    };
    return a;
  }();
  return glm;
}

}  // namespace peftgrid::worker
