#include <fmt/format.h>

#include "worker/backbones/encoder_plan.hpp"

namespace peftgrid::worker {

namespace {

ModelConfig read_distilbert(const ConfigReader& read) {
  refuse_other_models(read);
  ModelConfig model;
  model.vocabulary = read.size("vocab_size", 10'000'000);
  model.padding_index = read_padding_index(read, model.vocabulary, 0);
  model.width = read.size_of_two("dim", "hidden_size", 65'536);
  model.layers = read.size_of_two("n_layers", "num_hidden_layers", 1'000);
  model.heads = read.size_of_two("n_heads", "num_attention_heads", 4'096);
  model.ffn_width = read.size("hidden_dim", 1'000'000);
  model.positions = read.size("max_position_embeddings", 1'000'000);
  model.pad_token = read.size("pad_token_id", 10'000'000, 0, 0);
  model.activation = read.text("activation", {"gelu", "relu"}, "gelu");
  model.embedding_dropout = model.ffn_dropout = read.real("dropout", 0, 0.9, 0.1);
  model.attention_dropout = read.real("attention_dropout", 0, 0.9, 0.1);
  model.attention_branch_dropout = std::nullopt;
  model.head_dropout = read.real("seq_classif_dropout", 0, 0.9, 0.2);
  if (model.width % model.heads != 0) {
    read.fail(fmt::format("\"dim\" is {}, which {} heads cannot share out evenly", model.width, model.heads));
  }
  return model;
}

EncoderNames distilbert_names() {
  EncoderNames names;
  names.layers = "transformer.layer";
  names.query = "attention.q_lin";
  names.key = "attention.k_lin";
  names.value = "attention.v_lin";
  names.attention_output = "attention.out_lin";
  names.attention_norm = "sa_layer_norm";
  names.ffn_up = "ffn.lin1";
  names.ffn_down = "ffn.lin2";
  names.ffn_norm = "output_layer_norm";
  return names;
}

}  // namespace

/// DistilBERT (Sanh et al., 2019): no token types, no pooler, no dropout behind the attention's output projection.
const Architecture& distilbert_architecture() {
  static const Architecture distilbert = [] {
    Architecture a;
    a.name = "distilbert";
    a.prefixes = {"distilbert."};
    a.head = {HeadStyle::Activation::Relu, false};
    a.read = read_distilbert;
    a.tensors = [](const ModelConfig& config, bool pooler) {
      return encoder_tensors(config, distilbert_names(), pooler);
    };
    a.geometry = encoder_geometry;
    return a;
  }();
  return distilbert;
}

}  // namespace peftgrid::worker
