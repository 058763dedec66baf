#include "worker/backbones/encoder_plan.hpp"

namespace peftgrid::worker {

namespace {

/// BERT's blocks; a row's first token stands behind the padding token's position, and the classes for sequences have a
/// dense layer of their own instead of a pretrained pooler.
Architecture roberta_like(const char* name) {
  Architecture a;
  a.name = name;
  a.prefixes = {"roberta."};
  a.head = {HeadStyle::Activation::Tanh, true};
  a.read = [](const ConfigReader& read) {
    constexpr std::int64_t kUsualPad = 1;
    ModelConfig model = read_encoder_config(read, kUsualPad);
    model.pad_token = read.size("pad_token_id", 10'000'000, kUsualPad, 0);
    model.first_position = model.pad_token + 1;
    model.pads_share_a_position = true;
    model.ignores_types = true;
    if (model.first_position >= model.positions) {
      read.fail("\"max_position_embeddings\" leaves no position behind that of the padding token");
    }
    return model;
  };
  a.tensors = [](const ModelConfig& config, bool pooler) { return encoder_tensors(config, EncoderNames{}, pooler); };
  a.geometry = encoder_geometry;
  return a;
}

}  // namespace

/// RoBERTa (Liu et al., 2019).
const Architecture& roberta_architecture() {
  static const Architecture roberta = roberta_like("roberta");
  return roberta;
}

/// XLM-R (Conneau et al., 2020).
const Architecture& xlm_roberta_architecture() {
  static const Architecture xlm_roberta = roberta_like("xlm-roberta");
  return xlm_roberta;
}

}  // namespace peftgrid::worker
