#include "worker/backbones/decoder_plan.hpp"

#include <fmt/format.h>

namespace peftgrid::worker {

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

std::vector<std::string> decoder_readouts() {
  return {"last", "mean"};
}

HeadStyle decoder_head() {
  HeadStyle style;
  style.bias = false;
  return style;
}

TensorFact conv1d() {
  TensorFact within;
  within.transposed = true;
  return within;
}

TensorFact conv1d_part(const char* name, std::int64_t which, std::int64_t parts, std::int64_t rows) {
  TensorFact within = conv1d();
  within.part = name;
  within.first_row = which * rows;
  within.file_rows = parts * rows;
  return within;
}

void list_gpt_products(const ModelConfig& config, std::int64_t i, TensorList& list) {
  const std::int64_t d = config.width, f = config.ffn_width;
  const std::string ours = fmt::format("layer.{}.", i), theirs = fmt::format("h.{}.", i);
  std::int64_t which = 0;
  for (const char* name : {"query", "key", "value"}) {
    list.linear(ours + name, theirs + "attn.c_attn", {d, d}, i, true, conv1d_part(name, which++, 3, d));
  }
  list.linear(ours + "attention_output", theirs + "attn.c_proj", {d, d}, i, true, conv1d());
  list.linear(ours + "ffn_up", theirs + "mlp.c_fc", {f, d}, i, true, conv1d());
  list.linear(ours + "ffn_down", theirs + "mlp.c_proj", {d, f}, i, true, conv1d());
}

void share_out(const ConfigReader& read, ModelConfig& model, const char* width_key, const char* heads_key) {
  if (model.width % model.heads != 0) {
    read.fail(fmt::format("\"{}\" is {}, which {} heads (\"{}\") cannot share out evenly", width_key, model.width,
                          model.heads, heads_key));
  }
  model.head_dim = model.width / model.heads;
}

}  // namespace peftgrid::worker
