#include <fmt/format.h>

#include <algorithm>

#include "worker/backbones/decoder_plan.hpp"
#include "worker/backbones/rotary_plan.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::int64_t kQwenKeyHeads = 32;  // transformers', where the key is absent; null: as many as heads

/// The keys that LLaMA and its cousins have in common.
ModelConfig read_common(const ConfigReader& read, std::int64_t usual_key_heads = 0) {
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.padding_index = read_padding_index(read, model.vocabulary);
  model.width = read.size("hidden_size", 65'536);
  model.layers = read.size("num_hidden_layers", 1'000);
  model.heads = model.kv_heads = read.size("num_attention_heads", 4'096);
  if (read.has("num_key_value_heads"))
    model.kv_heads = read.size("num_key_value_heads", 4'096);
  else if (usual_key_heads > 0 && !read.mentions("num_key_value_heads"))
    model.kv_heads = usual_key_heads;
  share_keys(read, model, "num_key_value_heads", "num_attention_heads");
  model.ffn_width = read.size("intermediate_size", 1'000'000);
  model.positions = read.size("max_position_embeddings", 100'000'000);
  read.text("hidden_act", {"silu", "swish"}, "silu");  // two names of one function
  model.activation = "silu";
  model.norm_epsilon = read.real("rms_norm_eps", 1e-20, 1, 1e-6);
  model.root_mean_square = true;
  model.attention_dropout = read.real("attention_dropout", 0, 0.9, 0);
  model.embedding_dropout = model.attention_branch_dropout = model.ffn_dropout = model.head_dropout = std::nullopt;
  model.inserted_head_dropout = 0;
  model.style.norm_shift = model.style.ffn_bias = false;
  model.style.query_key_value_bias = model.style.attention_output_bias = false;
  model.style.gated = true;
  return model;
}

/// The width of a head, where a file may say it, and what turns of it.
void read_heads(const ConfigReader& read, ModelConfig& model, std::int64_t usual) {
  if (read.has("head_dim")) {
    model.head_dim = read.size("head_dim", 4'096);
  } else if (usual > 0) {
    model.head_dim = usual;
  } else {
    share_out(read, model, "hidden_size", "num_attention_heads");
  }
  model.rotary = read_rotary(read, model.head_dim);
}

/// Rows are held to the window within which a token sees all that comes before it: longer ones would be another model.
void hold_to_window(const ConfigReader& read, ModelConfig& model) {
  constexpr std::int64_t kUsualWindow = 4096;  // transformers', where the key is absent; null: there is none
  if (!read.has("sliding_window") && read.mentions("sliding_window")) return;
  const std::int64_t window = read.size("sliding_window", 100'000'000, kUsualWindow);
  if (window >= model.positions) return;
  model.positions = window;
  model.held_to_window = true;
}

/// Has any block a window? "layer_types" says so, else the blocks from "max_window_layers" on have it.
bool has_windows(const ConfigReader& read, const ModelConfig& model) {
  constexpr std::int64_t kUsualFirst = 28;
  if (read.has("layer_types")) return read.lists("layer_types", "sliding_attention");
  return read.is_true("use_sliding_window") && read.size("max_window_layers", 100'000, kUsualFirst, 0) < model.layers;
}

ModelConfig read_llama(const ConfigReader& read) {
  ModelConfig model = read_common(read);
  model.style.query_key_value_bias = model.style.attention_output_bias = read.is_true("attention_bias");
  model.style.ffn_bias = read.is_true("mlp_bias");
  read_heads(read, model, 0);
  return model;
}

ModelConfig read_mistral(const ConfigReader& read) {
  constexpr std::int64_t kUsualKeyHeads = 8;
  ModelConfig model = read_common(read, kUsualKeyHeads);
  read_heads(read, model, 0);
  hold_to_window(read, model);
  return model;
}

ModelConfig read_qwen2(const ConfigReader& read) {
  ModelConfig model = read_common(read, kQwenKeyHeads);
  model.style.query_key_value_bias = true;
  read_heads(read, model, 0);
  if (has_windows(read, model)) hold_to_window(read, model);
  return model;
}

ModelConfig read_qwen3(const ConfigReader& read) {
  ModelConfig model = read_common(read, kQwenKeyHeads);
  model.style.query_key_value_bias = model.style.attention_output_bias = read.is_true("attention_bias");
  model.query_key_norm = true;
  constexpr std::int64_t kUsualHead = 128;  // transformers' Qwen3Config, whatever the width
  read_heads(read, model, kUsualHead);
  if (has_windows(read, model)) hold_to_window(read, model);
  return model;
}

std::vector<TensorFact> llama_tensors(const ModelConfig& config, bool /*pooler*/) {
  const std::int64_t d = config.width, f = config.ffn_width;
  const std::int64_t q = config.heads * config.head_dim, kv = config.kv_heads * config.head_dim;
  const BlockStyle& style = config.style;
  TensorList list;
  list.table("word", "embed_tokens", config.vocabulary, d);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("layers.{}.", i);
    list.norm(ours + "attention_norm", theirs + "input_layernorm", d, i, false);
    list.linear(ours + "query", theirs + "self_attn.q_proj", {q, d}, i, style.query_key_value_bias);
    list.linear(ours + "key", theirs + "self_attn.k_proj", {kv, d}, i, style.query_key_value_bias);
    list.linear(ours + "value", theirs + "self_attn.v_proj", {kv, d}, i, style.query_key_value_bias);
    if (config.query_key_norm) {
      list.norm(ours + "query_norm", theirs + "self_attn.q_norm", config.head_dim, i, false);
      list.norm(ours + "key_norm", theirs + "self_attn.k_norm", config.head_dim, i, false);
    }
    list.linear(ours + "attention_output", theirs + "self_attn.o_proj", {d, q}, i, style.attention_output_bias);
    list.norm(ours + "ffn_norm", theirs + "post_attention_layernorm", d, i, false);
    list.linear(ours + "ffn_gate", theirs + "mlp.gate_proj", {f, d}, i, style.ffn_bias);
    list.linear(ours + "ffn_up", theirs + "mlp.up_proj", {f, d}, i, style.ffn_bias);
    list.linear(ours + "ffn_down", theirs + "mlp.down_proj", {d, f}, i, style.ffn_bias);
  }
  list.norm("final_norm", "norm", d, config.layers, false);
  return list.take();
}

Architecture llama_like(const char* name, ModelConfig (*read)(const ConfigReader&)) {
  Architecture a = decoder_architecture(name, "model.");
  a.read = read;
  a.tensors = llama_tensors;
  a.geometry = [](const ModelConfig& config, bool /*pooler*/) { return decoder_geometry(config); };
  return a;
}

}  // namespace

/// LLaMA (Touvron et al., 2023), and Llama 2 and 3.
const Architecture& llama_architecture() {
  static const Architecture llama = llama_like("llama", read_llama);
  return llama;
}

/// Mistral 7B (Jiang et al., 2023).
const Architecture& mistral_architecture() {
  static const Architecture mistral = llama_like("mistral", read_mistral);
  return mistral;
}

/// Qwen2 (Yang et al., 2024).
const Architecture& qwen2_architecture() {
  static const Architecture qwen2 = llama_like("qwen2", read_qwen2);
  return qwen2;
}

/// Qwen3 (Yang et al., 2025): the heads of queries and keys are normed.
const Architecture& qwen3_architecture() {
  static const Architecture qwen3 = llama_like("qwen3", read_qwen3);
  return qwen3;
}

}  // namespace peftgrid::worker
