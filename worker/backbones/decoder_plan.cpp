#include "worker/backbones/decoder_plan.hpp"

#include <fmt/format.h>

namespace peftgrid::worker {

Architecture decoder_architecture(const char* name, const char* prefix) {
  Architecture a;
  a.name = name;
  a.prefixes = {prefix};
  a.readouts = {"last", "mean"};
  a.head.bias = false;
  a.output_in_file = "lm_head.weight";
  a.ties_output = false;
  return a;
}

Geometry decoder_geometry(const ModelConfig& config, NormOrder order) {
  Geometry geometry;
  geometry.layers = config.layers;
  geometry.width = config.width;
  geometry.ffn_width = config.ffn_width;
  geometry.heads = config.heads;
  geometry.kv_heads = config.kv_heads;
  geometry.head_dim = config.head_dim;
  geometry.max_positions = config.positions;
  geometry.causal = true;
  geometry.pre_norm = order == NormOrder::PreNorm;
  describe_blocks(geometry, config.style);
  if (geometry.pre_norm) describe_norm(geometry, Site::FinalNorm, config.style);
  return geometry;
}

void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key) {
  if (model.width % model.heads != 0) {
    read.fail(fmt::format("\"{}\" is {}, which {} heads (\"{}\") cannot share out evenly", width_key, model.width,
                          model.heads, heads_key));
  }
  model.head_dim = model.width / model.heads;
}

void share_keys(const ConfigReader& read, const ModelConfig& model, const char* key_heads_key, const char* heads_key) {
  if (model.heads % model.kv_heads == 0) return;
  read.fail(fmt::format("\"{}\" is {}, which \"{}\", {}, cannot be shared out to", key_heads_key, model.kv_heads,
                        heads_key, model.heads));
}

}  // namespace peftgrid::worker
