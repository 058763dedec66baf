#pragma once

#include "worker/backbones/architecture.hpp"
#include "worker/backbones/tensor_list.hpp"

/// What the plan parts of decoders have in common.
namespace peftgrid::worker {

/// With a decoder's readouts, a token that has seen the row or all of them, and the head of transformers' classes for
/// sequence classification: the last token, `score` without a bias, no dropout before it.
Architecture decoder_architecture(const char* name, const char* prefix);

/// Blocks under a causal mask, and for pre-norm ones a norm behind the last.
enum class NormOrder : std::uint8_t { PreNorm, PostNorm };
Geometry decoder_geometry(const ModelConfig& config, NormOrder order = NormOrder::PreNorm);

/// Checks that the heads share out the width, naming the keys, and fills in head_dim.
void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key);
/// Checks that each key head serves as many heads.
void share_keys(const ConfigReader& read, const ModelConfig& model, const char* key_heads_key, const char* heads_key);

}  // namespace peftgrid::worker
