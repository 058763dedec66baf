#pragma once

#include "worker/backbones/architecture.hpp"
#include "worker/backbones/tensor_list.hpp"

/// What the plan parts of decoders have in common.
namespace peftgrid::worker {

/// Blocks under a causal mask, and for `pre_norm` ones a norm behind the last.
enum class NormOrder : std::uint8_t { PreNorm, PostNorm };
Geometry decoder_geometry(const ModelConfig& config, NormOrder order = NormOrder::PreNorm);
/// A readout of a decoder takes a token that has seen the row, or all of them.
std::vector<std::string> decoder_readouts();
/// As transformers' classes for sequence classification: the last token, `score` without bias, no dropout before it.
HeadStyle decoder_head();

/// A linear layer whose weight lies the other way round, as GPT-1 and GPT-2 keep it, and the `which`-th of `parts`
/// alike ones that one such tensor holds.
TensorFact conv1d();
TensorFact conv1d_part(const char* name, std::int64_t which, std::int64_t parts, std::int64_t rows);
/// The products of a block of GPT-1 or GPT-2, of layer i.
void list_gpt_products(const ModelConfig& config, std::int64_t i, TensorList& list);

/// Checks that `heads` share out `width`, naming the keys, and fills in head_dim.
void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key);

}  // namespace peftgrid::worker
