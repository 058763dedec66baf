#include <fmt/format.h>

#include <algorithm>

#include "worker/backbones/decoder_plan.hpp"
#include "worker/backbones/rotary_plan.hpp"

namespace peftgrid::worker {

namespace {

/// The keys that LLaMA and its cousins have in common.
ModelConfig read_common(const ConfigReader& read) {
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.width = read.size("hidden_size", 65'536);
  model.layers = read.size("num_hidden_layers", 1'000);
  model.heads = model.kv_heads = read.size("num_attention_heads", 4'096);
  if (read.has("num_key_value_heads")) model.kv_heads = read.size("num_key_value_heads", 4'096);
  share_keys(read, model, "num_key_value_heads", "num_attention_heads");
  model.ffn_width = read.size("intermediate_size", 1'000'000);
  model.positions = read.size("max_position_embeddings", 100'000'000);
  model.activation = read.text("hidden_act", {"silu"}, "silu");
  model.norm_epsilon = read.real("rms_norm_eps", 1e-20, 1e-2, 1e-6);
  model.root_mean_square = true;
  model.attention_dropout = read.real("attention_dropout", 0, 0.9, 0);
  model.embedding_dropout = model.attention_branch_dropout = model.ffn_dropout = model.head_dropout = std::nullopt;
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
  if (!read.has("sliding_window")) return;
  model.positions = std::min(model.positions, read.size("sliding_window", 100'000'000));
}

ModelConfig read_llama(const ConfigReader& read) {
  ModelConfig model = read_common(read);
  model.style.query_key_value_bias = model.style.attention_output_bias = read.is_true("attention_bias");
  model.style.ffn_bias = read.is_true("mlp_bias");
  read_heads(read, model, 0);
  return model;
}

ModelConfig read_mistral(const ConfigReader& read) {
  ModelConfig model = read_common(read);
  read_heads(read, model, 0);
  hold_to_window(read, model);
  return model;
}

ModelConfig read_qwen2(const ConfigReader& read) {
  ModelConfig model = read_common(read);
  model.style.query_key_value_bias = true;
  read_heads(read, model, 0);
  if (read.is_true("use_sliding_window") || read.lists("layer_types", "sliding_attention")) hold_to_window(read, model);
  return model;
}

ModelConfig read_qwen3(const ConfigReader& read) {
  ModelConfig model = read_common(read);
  model.style.query_key_value_bias = model.style.attention_output_bias = read.is_true("attention_bias");
  model.query_key_norm = true;
  constexpr std::int64_t kUsualHead = 128;  // transformers' Qwen3Config, whatever the width
  read_heads(read, model, kUsualHead);
  if (read.is_true("use_sliding_window") || read.lists("layer_types", "sliding_attention")) hold_to_window(read, model);
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
