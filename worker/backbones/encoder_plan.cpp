#include "worker/backbones/encoder_plan.hpp"

#include <fmt/format.h>

#include "worker/backbones/tensor_list.hpp"

namespace peftgrid::worker {

std::vector<TensorFact> encoder_tensors(const ModelConfig& config, const EncoderNames& names, bool pooler) {
  const std::int64_t d = config.width, f = config.ffn_width;
  TensorList list;
  list.table("word", names.word, config.vocabulary, d);
  list.table("position", names.position, config.positions, d);
  if (config.token_types > 0) list.table("type", names.type, config.token_types, d);
  list.norm("embedding_norm", names.norm, d, -1);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("{}.{}.", names.layers, i);
    list.linear(ours + "query", theirs + names.query, {d, d}, i);
    list.linear(ours + "key", theirs + names.key, {d, d}, i);
    list.linear(ours + "value", theirs + names.value, {d, d}, i);
    list.linear(ours + "attention_output", theirs + names.attention_output, {d, d}, i);
    list.norm(ours + "attention_norm", theirs + names.attention_norm, d, i);
    list.linear(ours + "ffn_up", theirs + names.ffn_up, {f, d}, i);
    list.linear(ours + "ffn_down", theirs + names.ffn_down, {d, f}, i);
    list.norm(ours + "ffn_norm", theirs + names.ffn_norm, d, i);
  }
  if (pooler) list.linear("pooler", names.pooler, {d, d}, config.layers);
  return list.take();
}

Geometry encoder_geometry(const ModelConfig& config, bool pooler) {
  Geometry geometry;
  geometry.layers = config.layers;
  geometry.width = config.width;
  geometry.ffn_width = config.ffn_width;
  geometry.heads = geometry.kv_heads = config.heads;
  geometry.head_dim = config.width / config.heads;
  geometry.max_positions = config.positions - config.first_position;
  describe_blocks(geometry, config.style);
  describe_norm(geometry, Site::StemNorm, config.style);
  if (pooler) describe_pooler(geometry);
  return geometry;
}

void refuse_other_models(const ConfigReader& read) {
  if (read.is_true("is_decoder")) {
    read.fail(
        "\"is_decoder\" is true: each token would see only those before it; an encoder's false is what runs here");
  }
  if (read.is_true("add_cross_attention")) {
    read.fail(
        "\"add_cross_attention\" is true: the blocks would read a second text; an encoder's false is what runs here");
  }
  if (read.holds_items("pruned_heads")) {
    read.fail(
        "\"pruned_heads\" cuts heads out of the blocks; weights of whole blocks, without the key, would be right");
  }
}

ModelConfig read_encoder_config(const ConfigReader& read, std::int64_t usual_pad) {
  refuse_other_models(read);
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.padding_index = read_padding_index(read, model.vocabulary, usual_pad);
  model.width = read.size("hidden_size", 65'536);
  model.layers = read.size("num_hidden_layers", 1'000);
  model.heads = read.size("num_attention_heads", 4'096);
  model.ffn_width = read.size("intermediate_size", 1'000'000);
  model.positions = read.size("max_position_embeddings", 1'000'000);
  model.token_types = read.size("type_vocab_size", 1'000, 2);
  model.activation = read.text("hidden_act", {"gelu", "gelu_new", "relu"}, "gelu");
  read.text("position_embedding_type", {"absolute"}, "absolute");
  model.norm_epsilon = read.real("layer_norm_eps", 1e-20, 1e-2, 1e-12);
  const double hidden = read.real("hidden_dropout_prob", 0, 0.9, 0.1);
  model.embedding_dropout = model.attention_branch_dropout = model.ffn_dropout = hidden;
  model.attention_dropout = read.real("attention_probs_dropout_prob", 0, 0.9, 0.1);
  model.head_dropout = read.has("classifier_dropout") ? read.real("classifier_dropout", 0, 0.9, 0.1) : hidden;
  if (model.width % model.heads != 0) {
    read.fail(fmt::format("\"hidden_size\" is {}, which {} heads cannot share out evenly", model.width, model.heads));
  }
  return model;
}

}  // namespace peftgrid::worker
