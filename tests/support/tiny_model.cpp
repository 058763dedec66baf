#include "tests/support/tiny_model.hpp"

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <vector>

#include "checkpoint/safetensors.hpp"
#include "worker/backbones/architecture.hpp"

namespace peftgrid::tests {

nlohmann::json added_token(std::int64_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kSpread = 0.2;  // larger than BERT's 0.02: with so few tokens and units, outputs still differ visibly

/// Sums of uniform numbers: near enough to normal, and the same bits with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  float next() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(engine_() >> 11) / 9007199254740992.0;
    return static_cast<float>((sum - 6) * kSpread);
  }

 private:
  std::mt19937_64 engine_;
};

/// IEEE half precision, rounded to nearest even; for values below 65504.
std::uint16_t half_bits(float value) {
  const double size = std::fabs(static_cast<double>(value));
  const int exponent = size < std::ldexp(1.0, -14) ? -15 : std::ilogb(size);
  const double unit = std::ldexp(1.0, exponent == -15 ? 24 : 10 - exponent);
  const auto mantissa = static_cast<int>(std::nearbyint(size * unit));
  // A mantissa that rounds up to the next power of two carries into the exponent by itself.
  const int bits = exponent == -15 ? mantissa : ((exponent + 15) << 10) + mantissa - 1024;
  return static_cast<std::uint16_t>(bits | (std::signbit(value) ? 0x8000 : 0));
}

std::string as_bytes(const std::vector<float>& values, const std::string& dtype) {
  std::string bytes;
  const auto put = [&](const auto& value) {
    char raw[sizeof(value)];
    std::memcpy(raw, &value, sizeof(value));
    bytes.append(raw, sizeof(value));
  };
  for (const float value : values) {
    if (dtype == "F16") {
      put(half_bits(value));
    } else if (dtype == "BF16") {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      put(static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    } else {
      put(value);
    }
  }
  return bytes;
}

std::string name_in_file(std::string name, const TinyModel& options) {
  if (options.gamma_beta && name.find("LayerNorm") != std::string::npos) {
    const std::size_t dot = name.rfind('.');
    name.replace(dot + 1, std::string::npos, name.ends_with("weight") ? "gamma" : "beta");
  }
  return options.prefix ? worker::find_architecture(options.architecture).prefixes.front() + name : name;
}

bool is_llama_like(const std::string& architecture) {
  return architecture == "llama" || architecture == "mistral" || architecture == "glm" ||
         architecture.starts_with("qwen");
}

/// The keys that BERT and most of its cousins have in common, or those that others call otherwise.
json config_of(const TinyModel& options) {
  json config = {{"model_type", options.architecture}, {"vocab_size", options.vocabulary}, {"pad_token_id", 0}};
  if (options.architecture == "distilbert") {
    config.update({{"dim", options.width},
                   {"n_layers", options.layers},
                   {"n_heads", options.heads},
                   {"hidden_dim", options.ffn},
                   {"max_position_embeddings", options.max_positions},
                   {"activation", "gelu"},
                   {"dropout", 0.1},
                   {"attention_dropout", 0.1},
                   {"seq_classif_dropout", 0.1}});
    return config;
  }
  if (options.architecture == "gpt2" || options.architecture == "openai-gpt") {
    config.update({{"n_embd", options.width},
                   {"n_layer", options.layers},
                   {"n_head", options.heads},
                   {"n_inner", options.ffn},
                   {"n_positions", options.max_positions},
                   {"activation_function", "gelu_new"}});
    return config;
  }
  if (options.architecture == "chatglm") {
    config.update({{"padded_vocab_size", options.vocabulary},
                   {"hidden_size", options.width},
                   {"num_layers", options.layers},
                   {"num_attention_heads", options.heads},
                   {"multi_query_attention", true},
                   {"multi_query_group_num", options.heads / 2},
                   {"kv_channels", options.width / options.heads},
                   {"ffn_hidden_size", options.ffn},
                   {"seq_length", options.max_positions},
                   {"add_qkv_bias", true}});
    return config;
  }
  if (is_llama_like(options.architecture)) {
    config.update({{"hidden_size", options.width},
                   {"num_hidden_layers", options.layers},
                   {"num_attention_heads", options.heads},
                   {"num_key_value_heads", options.heads / 2},
                   {"head_dim", options.width / options.heads},
                   {"intermediate_size", options.ffn},
                   {"max_position_embeddings", options.max_positions},
                   {"rope_theta", 100},
                   {"rms_norm_eps", 1e-6}});
    return config;
  }
  const bool bert = options.architecture == "bert";
  config.update({{"architectures", {bert ? "BertModel" : "Model"}},
                 {"hidden_size", options.width},
                 {"embedding_size", options.width},
                 {"num_hidden_layers", options.layers},
                 {"num_attention_heads", options.heads},
                 {"intermediate_size", options.ffn},
                 {"max_position_embeddings", options.max_positions + (bert ? 0 : 1)},
                 {"type_vocab_size", options.token_types > 0 ? options.token_types
                                     : bert                  ? 2
                                                             : 1},
                 {"hidden_act", "gelu"},
                 {"layer_norm_eps", 1e-12},
                 {"hidden_dropout_prob", 0.1},
                 {"attention_probs_dropout_prob", 0.1}});
  return config;
}

void write_weights(const fs::path& folder, const TinyModel& options) {
  const worker::ReadModel model = worker::parse_model(config_of(options).dump(), "tiny");
  std::map<std::string, worker::TensorFact> facts;
  for (const worker::TensorFact& fact :
       worker::ModelFacts(*model.architecture, model.config,
                          {.pooler = options.pooler && model.architecture->pools, .output = true})
           .tensors) {
    facts[fact.in_file] = fact;
  }
  if (options.extra) facts["cls.predictions.bias"].shape = {options.vocabulary};
  Random random(options.seed);
  std::vector<std::string> data;
  std::vector<checkpoint::TensorToWrite> tensors;
  data.reserve(facts.size());  // tensors point into it
  for (const auto& [name, fact] : facts) {
    const worker::Shape shape = fact.shape_in_file();
    std::vector<float> values(static_cast<std::size_t>(worker::elements(shape)));
    const bool scale = fact.role == worker::TensorFact::Role::NormScale;
    for (float& value : values) value = random.next() + (scale ? 1.0F : 0.0F);
    data.push_back(as_bytes(values, options.dtype));
    const bool foreign = name.starts_with("cls.");
    tensors.push_back(
        {foreign ? name : name_in_file(name, options), options.dtype, shape, data.back().data(), data.back().size()});
  }
  checkpoint::write_safetensors(folder / "model.safetensors", tensors);
}

json vocabulary_of(std::int64_t size) {
  json vocabulary = json::object();
  const auto add = [&](const std::string& token) { vocabulary[token] = vocabulary.size(); };
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) add(special);
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter));
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string("##") + letter);
  for (const char* mark : {".", ","}) add(mark);
  if (size < static_cast<std::int64_t>(vocabulary.size()))
    throw std::invalid_argument("tiny model: vocabulary too small");
  while (static_cast<std::int64_t>(vocabulary.size()) < size) add("word" + std::to_string(vocabulary.size()));
  return vocabulary;
}

json special(const char* name, int type) {
  return {{"SpecialToken", {{"id", name}, {"type_id", type}}}};
}
json sequence(const char* name, int type) {
  return {{"Sequence", {{"id", name}, {"type_id", type}}}};
}

json tokenizer_of(std::int64_t vocabulary) {
  json added = json::array();
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    added.push_back(added_token(static_cast<std::int64_t>(added.size()), token));
  }
  const json single = {special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)};
  const json pair = {special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0), sequence("B", 1), special("[SEP]", 1)};
  const auto token = [](const char* name, int at) {
    return json{{"id", name}, {"ids", json::array({at})}, {"tokens", json::array({name})}};
  };
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", pair},
            {"special_tokens", {{"[CLS]", token("[CLS]", 2)}, {"[SEP]", token("[SEP]", 3)}}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocabulary_of(vocabulary)}}}};
}

}  // namespace

fs::path write_tiny_model(const fs::path& folder, const TinyModel& options) {
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << config_of(options).dump(2) << '\n';
  std::ofstream(folder / "tokenizer.json") << tokenizer_of(options.vocabulary).dump() << '\n';
  if (options.mean_pooling) {
    fs::create_directories(folder / "1_Pooling");
    std::ofstream(folder / "1_Pooling" / "config.json") << R"({"pooling_mode_mean_tokens": true})" << '\n';
  }
  write_weights(folder, options);
  return folder;
}

}  // namespace peftgrid::tests
