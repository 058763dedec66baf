#pragma once

#include <string>
#include <vector>

#include "worker/backbones/architecture.hpp"

/// What the plan parts of BERT and its cousins have in common: post-norm blocks of one attention and one feed-forward
/// part, biases and norms everywhere.
namespace peftgrid::worker {

/// What a file calls the modules of such an encoder. Those of a block stand behind "LAYERS.I.".
struct EncoderNames {
  std::string word = "embeddings.word_embeddings", position = "embeddings.position_embeddings";
  std::string type = "embeddings.token_type_embeddings", norm = "embeddings.LayerNorm", layers = "encoder.layer";
  std::string query = "attention.self.query", key = "attention.self.key", value = "attention.self.value";
  std::string attention_output = "attention.output.dense", attention_norm = "attention.output.LayerNorm";
  std::string ffn_up = "intermediate.dense", ffn_down = "output.dense", ffn_norm = "output.LayerNorm";
  std::string pooler = "pooler.dense";
};

/// In the order in which the forward pass reads them, the pooler's last.
std::vector<TensorFact> encoder_tensors(const ModelConfig& config, const EncoderNames& names, bool pooler);
Geometry encoder_geometry(const ModelConfig& config, bool pooler);

/// Refuses the keys that make another model of an encoder's weights: a mask that hides what follows a token, attention
/// to another text, heads that were cut out.
void refuse_other_models(const ConfigReader& read);
/// The keys that BERT, RoBERTa and ELECTRA have in common; `usual_pad`: the padding token where none is said.
ModelConfig read_encoder_config(const ConfigReader& read, std::int64_t usual_pad = 0);

}  // namespace peftgrid::worker
