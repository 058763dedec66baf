#include "worker/backbones/decoder_plan.hpp"

#include <fmt/format.h>

namespace peftgrid::worker {

Geometry decoder_geometry(const ModelConfig& config, std::int64_t positions) {
  Geometry geometry;
  geometry.layers = config.layers;
  geometry.width = config.width;
  geometry.ffn_width = config.ffn_width;
  geometry.heads = config.heads;
  geometry.kv_heads = config.kv_heads;
  geometry.head_dim = config.head_dim;
  geometry.max_positions = positions;
  geometry.causal = geometry.pre_norm = true;
  describe_blocks(geometry, config.style);
  describe_norm(geometry, Site::FinalNorm, config.style);
  return geometry;
}

std::vector<std::string> decoder_readouts() {
  return {"last", "mean"};
}

HeadStyle decoder_head() {
  HeadStyle style;
  style.bias = false;
  return style;
}

void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key) {
  if (model.width % model.heads != 0) {
    read.fail(fmt::format("\"{}\" is {}, which {} heads (\"{}\") cannot share out evenly", width_key, model.width,
                          model.heads, heads_key));
  }
  model.head_dim = model.width / model.heads;
}

}  // namespace peftgrid::worker
