#include "worker/backbones/encoder_plan.hpp"

namespace peftgrid::worker {

/// BERT (Devlin et al., 2019).
const Architecture& bert_architecture() {
  static const Architecture bert = [] {
    Architecture a;
    a.name = "bert";
    a.prefixes = {"bert."};
    a.pools = true;
    a.read = [](const ConfigReader& read) {
      ModelConfig model = read_encoder_config(read);
      if (read.has("pad_token_id")) model.pad_token = read.size("pad_token_id", 10'000'000, 0, 0);
      return model;
    };
    a.tensors = [](const ModelConfig& config, bool pooler) { return encoder_tensors(config, EncoderNames{}, pooler); };
    a.geometry = encoder_geometry;
    return a;
  }();
  return bert;
}

}  // namespace peftgrid::worker
