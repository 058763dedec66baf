#include "worker/plan/bert_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/shallow_json.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

constexpr std::uint64_t kMostConfigBytes = 1 << 20;

/// Reads checked values out of a config; messages name the file and the key.
class ConfigReader {
 public:
  ConfigReader(const json& config, const std::string& where) : config_(config), where_(where) {}

  std::int64_t size(const char* key, std::int64_t most, std::optional<std::int64_t> fallback = {}) const {
    const auto found = config_.find(key);
    if (found == config_.end()) {
      if (fallback) return *fallback;
      fail(fmt::format("key \"{}\" is missing", key));
    }
    if (!found->is_number_integer() || found->get<double>() < 1 || found->get<double>() > static_cast<double>(most)) {
      fail(fmt::format("\"{}\" is {}; a whole number from 1 to {} would be right", key, shown(*found), most));
    }
    return found->get<std::int64_t>();
  }

  double real(const char* key, double least, double most, double fallback) const {
    const auto found = config_.find(key);
    if (found == config_.end()) return fallback;
    if (!found->is_number() || !(found->get<double>() >= least) || !(found->get<double>() <= most)) {
      fail(fmt::format("\"{}\" is {}; a number from {} to {} would be right", key, shown(*found), least, most));
    }
    return found->get<double>();
  }

  std::string text(const char* key, const std::vector<std::string>& choices, const std::string& fallback) const {
    const auto found = config_.find(key);
    if (found == config_.end() && !fallback.empty()) return fallback;
    if (found == config_.end()) fail(fmt::format("key \"{}\" is missing", key));
    if (!found->is_string() || std::ranges::find(choices, found->get<std::string>()) == choices.end()) {
      fail(fmt::format("\"{}\" is {}; known: {}", key, shown(*found), joined(choices)));
    }
    return found->get<std::string>();
  }

  [[noreturn]] void fail(const std::string& what) const { throw UsageError(where_ + ": " + what); }

 private:
  static std::string shown(const json& value) {
    if (value.is_string()) return in_quotes(value.get<std::string>());
    return value.is_structured() ? (value.is_array() ? "a list" : "an object") : value.dump();
  }

  const json& config_;
  const std::string& where_;
};

void add_linear(std::map<std::string, Shape>& tensors, const std::string& name, std::int64_t in, std::int64_t out) {
  tensors[name + ".weight"] = {out, in};
  tensors[name + ".bias"] = {out};
}

void add_norm(std::map<std::string, Shape>& tensors, const std::string& name, std::int64_t width) {
  tensors[name + ".weight"] = {width};
  tensors[name + ".bias"] = {width};
}

}  // namespace

BertConfig parse_bert_config(std::string_view text, const std::string& where) {
  const json config = checkpoint::parse_shallow(text);
  if (config.is_discarded()) throw UsageError(where + ": is not JSON");
  if (!config.is_object()) throw UsageError(where + ": is not a JSON object");
  const ConfigReader read(config, where);
  read.text("model_type", {"bert"}, "");
  BertConfig bert;
  bert.vocabulary = read.size("vocab_size", 10'000'000);
  bert.width = read.size("hidden_size", 65'536);
  bert.layers = read.size("num_hidden_layers", 1'000);
  bert.heads = read.size("num_attention_heads", 4'096);
  bert.ffn_width = read.size("intermediate_size", 1'000'000);
  bert.max_positions = read.size("max_position_embeddings", 1'000'000);
  bert.token_types = read.size("type_vocab_size", 1'000, 2);
  bert.activation = read.text("hidden_act", {"gelu", "gelu_new", "relu"}, "gelu");
  read.text("position_embedding_type", {"absolute"}, "absolute");
  bert.norm_epsilon = read.real("layer_norm_eps", 1e-20, 1e-2, 1e-12);
  bert.hidden_dropout = read.real("hidden_dropout_prob", 0, 0.9, 0.1);
  bert.attention_dropout = read.real("attention_probs_dropout_prob", 0, 0.9, 0.1);
  const auto own = config.find("classifier_dropout");
  bert.head_dropout =
      own == config.end() || own->is_null() ? bert.hidden_dropout : read.real("classifier_dropout", 0, 0.9, 0.1);
  if (bert.width % bert.heads != 0) {
    read.fail(fmt::format("\"hidden_size\" is {}, which {} heads cannot share out evenly", bert.width, bert.heads));
  }
  return bert;
}

BertConfig read_bert_config(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw UsageError(
        folder +
        ": no such folder; a backbone is a Hugging Face folder with config.json, model.safetensors and tokenizer.json");
  }
  const std::string file = (std::filesystem::path(folder) / "config.json").string();
  return parse_bert_config(read_whole_file(file, kMostConfigBytes), file);
}

std::map<std::string, Shape> bert_tensors(const BertConfig& config) {
  const std::int64_t width = config.width;
  std::map<std::string, Shape> tensors;
  tensors["embeddings.word_embeddings.weight"] = {config.vocabulary, width};
  tensors["embeddings.position_embeddings.weight"] = {config.max_positions, width};
  tensors["embeddings.token_type_embeddings.weight"] = {config.token_types, width};
  add_norm(tensors, "embeddings.LayerNorm", width);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    for (const char* part : {"query", "key", "value"})
      add_linear(tensors, layer + "attention.self." + part, width, width);
    add_linear(tensors, layer + "attention.output.dense", width, width);
    add_norm(tensors, layer + "attention.output.LayerNorm", width);
    add_linear(tensors, layer + "intermediate.dense", width, config.ffn_width);
    add_linear(tensors, layer + "output.dense", config.ffn_width, width);
    add_norm(tensors, layer + "output.LayerNorm", width);
  }
  return tensors;
}

std::map<std::string, Shape> bert_pooler_tensors(const BertConfig& config) {
  std::map<std::string, Shape> tensors;
  add_linear(tensors, "pooler.dense", config.width, config.width);
  return tensors;
}

std::string canonical_bert_name(std::string name) {
  if (name.starts_with("bert.")) name.erase(0, 5);
  if (name.ends_with(".LayerNorm.gamma")) name.replace(name.size() - 5, 5, "weight");
  if (name.ends_with(".LayerNorm.beta")) name.replace(name.size() - 4, 4, "bias");
  return name;
}

}  // namespace peftgrid::worker
