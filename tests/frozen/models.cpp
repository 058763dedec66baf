#include "tests/frozen/models.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tests/golden/golden_numbers.hpp"

namespace peftgrid::tests {

namespace {

using nlohmann::json;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kWords = 28, kPositions = 160;
const std::vector<std::string> kSpecial = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

std::int64_t vocabulary_size() {
  return static_cast<std::int64_t>(kSpecial.size()) + kWords;
}

json config_of(const FrozenBert& bert) {
  return {{"model_type", "bert"},
          {"vocab_size", vocabulary_size()},
          {"hidden_size", bert.width},
          {"num_hidden_layers", bert.layers},
          {"num_attention_heads", bert.heads},
          {"intermediate_size", bert.ffn},
          {"max_position_embeddings", kPositions},
          {"type_vocab_size", 2},
          {"hidden_act", bert.activation},
          {"layer_norm_eps", 1e-12},
          {"hidden_dropout_prob", 0.15},
          {"attention_probs_dropout_prob", 0.1},
          {"classifier_dropout", 0.25},
          {"pad_token_id", 0}};
}

json tokenizer_json() {
  json added = json::array(), vocabulary = json::object();
  for (std::size_t id = 0; id < kSpecial.size(); ++id) {
    vocabulary[kSpecial[id]] = id;
    added.push_back({{"id", id},
                     {"content", kSpecial[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  for (std::int64_t word = 0; word < kWords; ++word) vocabulary["w" + std::to_string(word)] = vocabulary.size();
  const auto special = [](const char* name, int type) {
    return json{{"SpecialToken", {{"id", name}, {"type_id", type}}}};
  };
  const auto text = [](const char* name, int type) { return json{{"Sequence", {{"id", name}, {"type_id", type}}}}; };
  const auto token = [](const char* name, int id) {
    return json{{"id", name}, {"ids", json::array({id})}, {"tokens", json::array({name})}};
  };
  const json single = {special("[CLS]", 0), text("A", 0), special("[SEP]", 0)};
  const json pair = {special("[CLS]", 0), text("A", 0), special("[SEP]", 0), text("B", 1), special("[SEP]", 1)};
  const json special_tokens = {{"[CLS]", token("[CLS]", 2)}, {"[SEP]", token("[SEP]", 3)}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special_tokens}}},
          {"decoder", nullptr},
          {"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "[UNK]"}}}};
}

/// Names as transformers' BertModel has them.
std::vector<std::pair<std::string, Shape>> tensors_of(const FrozenBert& bert) {
  std::vector<std::pair<std::string, Shape>> tensors;
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    tensors.emplace_back(name + ".weight", Shape{out, in});
    tensors.emplace_back(name + ".bias", Shape{out});
  };
  const auto norm = [&](const std::string& name) {
    tensors.emplace_back(name + ".LayerNorm.weight", Shape{bert.width});
    tensors.emplace_back(name + ".LayerNorm.bias", Shape{bert.width});
  };
  tensors.emplace_back("embeddings.word_embeddings.weight", Shape{vocabulary_size(), bert.width});
  tensors.emplace_back("embeddings.position_embeddings.weight", Shape{kPositions, bert.width});
  tensors.emplace_back("embeddings.token_type_embeddings.weight", Shape{2, bert.width});
  norm("embeddings");
  for (std::int64_t i = 0; i < bert.layers; ++i) {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    for (const char* part : {"query", "key", "value"}) linear(layer + "attention.self." + part, bert.width, bert.width);
    linear(layer + "attention.output.dense", bert.width, bert.width);
    norm(layer + "attention.output");
    linear(layer + "intermediate.dense", bert.width, bert.ffn);
    linear(layer + "output.dense", bert.ffn, bert.width);
    norm(layer + "output");
  }
  if (bert.pooler) linear("pooler.dense", bert.width, bert.width);
  return tensors;
}

/// The program's own writer may learn to lay files out better, which would be another file to an id.
void write_weights(const std::filesystem::path& file, const std::string& name, const FrozenBert& bert) {
  json header = json::object();
  std::string data;
  for (const auto& [tensor, shape] : tensors_of(bert)) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    const double centre = tensor.ends_with("LayerNorm.weight") ? 1 : 0;
    // A power of two: exact however a compiler contracts the products.
    const auto values = golden_numbers("frozen/" + name + "/" + tensor, static_cast<std::size_t>(count), 0.5, centre);
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    header[bert.prefix + tensor] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (int byte = 0; byte < 8; ++byte) length += static_cast<char>(text.size() >> (8 * byte) & 0xFFU);
  std::ofstream(file, std::ios::binary) << length << text << data;
}

}  // namespace

void write_frozen_bert(const std::filesystem::path& folder, const std::string& name, const FrozenBert& bert) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << config_of(bert).dump(2) << '\n';
  std::ofstream(folder / "tokenizer.json") << tokenizer_json().dump() << '\n';
  write_weights(folder / "model.safetensors", name, bert);
}

}  // namespace peftgrid::tests
