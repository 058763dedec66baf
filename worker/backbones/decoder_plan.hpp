#pragma once

#include "worker/backbones/architecture.hpp"

/// What the plan parts of decoders have in common.
namespace peftgrid::worker {

/// Pre-norm blocks with a causal mask; `positions` of a row's own tokens.
Geometry decoder_geometry(const ModelConfig& config, std::int64_t positions);
/// A readout of a decoder takes a token that has seen the row, or all of them.
std::vector<std::string> decoder_readouts();
/// As transformers' classes for sequence classification: the last token, `score` without bias, no dropout before it.
HeadStyle decoder_head();

/// Checks that `heads` share out `width`, naming the keys, and fills in head_dim.
void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key);

}  // namespace peftgrid::worker
