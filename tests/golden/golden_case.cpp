#include "tests/golden/golden_case.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/safetensors.hpp"
#include "tests/golden/golden_numbers.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kBaseSpread = 0.35;

fs::path folder() {
  return fs::path(PEFTGRID_SOURCE) / "tests" / "golden";
}

/// "tiny" is BERT; "tiny_xlm_roberta" has its architecture in its name.
std::string architecture_of(const std::string& base) {
  if (base == "tiny" || base == "minilm") return "bert";
  if (base == "smollm2") return "llama";
  std::string name = base.substr(std::string("tiny_").size());
  std::ranges::replace(name, '_', '-');
  return name;
}

worker::OptionValue option_of(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::vector<std::string>>();
}

worker::MethodSpec method_of(const json& one) {
  worker::MethodSpec method{one.at("method"), {}};
  for (const worker::OptionInfo& option : worker::find_method(method.name)->options) {
    method.options[option.name] = option.name == "dropout" ? worker::OptionValue(0.0) : option.fallback;
  }
  for (const auto& [name, value] : one.at("options").items()) method.options[name] = option_of(value);
  return method;
}

/// Of a case's own rows, or of those that a file's cases share: there a row is one sequence.
GoldenRow row_of(const json& one) {
  GoldenRow row;
  if (one.contains("ids")) {
    row.sequences = {one.at("ids").get<std::vector<std::int32_t>>()};
    row.types = {one.at("types").get<std::vector<std::int32_t>>()};
  } else {
    one.at("sequences").get_to(row.sequences);
    for (const auto& ids : row.sequences) row.types.emplace_back(ids.size());
    if (one.contains("types")) one.at("types").get_to(row.types);
  }
  row.answers = one.value("answers", std::vector<std::int32_t>{1});
  row.label = one.at("label");
  row.value = one.at("value");
  return row;
}

GoldenCase case_of(const json& one, const json& rows) {
  GoldenCase golden;
  golden.name = one.at("name");
  golden.base = one.at("base");
  golden.readout = one.at("readout");
  golden.activation = one.at("activation");
  golden.method = method_of(one);
  golden.spread = one.at("spread");
  golden.centres = one.value("centres", std::map<std::string, double>{});
  golden.max_length = one.value("max_length", std::int64_t{64});
  golden.pooler = one.at("pooler");
  golden.kind = one.at("kind");
  golden.targets = one.value("targets", "raw");
  golden.outputs = one.at("outputs");
  golden.training.learning_rate = one.at("learning_rate");
  golden.training.warmup = one.at("warmup");
  golden.input = one.value("input", "plain");
  golden.training.auxiliary_lm = one.value("auxiliary_lm", 0.0);
  for (const json& row : one.contains("rows") ? one.at("rows") : rows.at(golden.base)) {
    golden.rows.push_back(row_of(row));
  }
  for (const json& row : one.at("logits")) {
    for (const json& logit : row) golden.logits.push_back(logit);
  }
  golden.loss = one.at("loss");
  golden.fp32_logits = one.value("fp32_logits", 0.0);
  golden.fp32_gradients = one.value("fp32_gradients", 0.0);
  golden.losses = one.at("losses").get<std::vector<double>>();
  golden.tensors = folder() / one.at("file").get<std::string>();
  return golden;
}

/// Architectures and methods of the pages on extending have golden numbers, too, which wait for those.
bool can_be_run(const json& one) {
  const std::string base = one.at("base");
  const auto has = [&](const worker::Architecture* a) { return a->name == architecture_of(base); };
  return worker::find_method(one.at("method")) != nullptr && std::ranges::any_of(worker::architectures(), has);
}

/// The tensors of a file whose names begin with `prefix` and have no further part.
std::map<std::string, std::vector<float>> tensors_behind(const fs::path& path, const std::string& prefix) {
  const checkpoint::MappedFile file(path);
  const auto index = checkpoint::parse_safetensors_header(file.bytes(), file.bytes().size(), path.string());
  std::map<std::string, std::vector<float>> found;
  for (const auto& [key, entry] : index) {
    if (!key.starts_with(prefix)) continue;
    // "tiny/lora_all/pooler/" begins the keys of "tiny/lora_all/pooler/regression/…" too.
    const std::string tensor = key.substr(prefix.size());
    if (tensor.find('/') != std::string::npos) continue;
    std::vector<float>& values = found[tensor];
    values.resize((entry.end - entry.begin) / sizeof(float));
    std::memcpy(values.data(), file.bytes().data() + entry.begin, entry.end - entry.begin);
  }
  return found;
}

json llama_like_config(const std::string& architecture) {
  json config = {{"model_type", architecture}, {"vocab_size", 60},        {"pad_token_id", 0},
                 {"hidden_size", 32},          {"num_hidden_layers", 2},  {"num_attention_heads", 4},
                 {"num_key_value_heads", 2},   {"intermediate_size", 52}, {"max_position_embeddings", 64},
                 {"rms_norm_eps", 1e-6}};
  // The forms that transformers 5 and its forerunners write.
  if (architecture == "llama") {
    config["rope_parameters"] = {{"rope_type", "llama3"}, {"rope_theta", 100},
                                 {"factor", 4},           {"low_freq_factor", 1},
                                 {"high_freq_factor", 3}, {"original_max_position_embeddings", 32}};
  }
  if (architecture == "mistral") config.update({{"rope_theta", 100}, {"sliding_window", nullptr}});
  if (architecture == "qwen2")
    config.update({{"rope_theta", 500}, {"rope_scaling", {{"type", "linear"}, {"factor", 2}}}});
  if (architecture == "glm") {
    config.update(
        {{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 10000}, {"partial_rotary_factor", 0.5}}},
         {"head_dim", 16},
         {"attention_bias", true},
         {"rms_norm_eps", 1e-5}});
  }
  if (architecture == "qwen3") config.update({{"rope_theta", 1000}, {"head_dim", 12}});
  config["tie_word_embeddings"] = architecture == "llama" || architecture == "qwen3";
  return config;
}

json config_of(const GoldenCase& golden) {
  const std::string architecture = architecture_of(golden.base);
  if (architecture == "chatglm") {
    return {{"model_type", architecture}, {"padded_vocab_size", 60},
            {"hidden_size", 32},          {"num_layers", 2},
            {"num_attention_heads", 4},   {"multi_query_attention", true},
            {"multi_query_group_num", 2}, {"kv_channels", 16},
            {"ffn_hidden_size", 52},      {"seq_length", 64},
            {"add_qkv_bias", true}};
  }
  if (architecture == "llama" || architecture == "mistral" || architecture == "glm" ||
      architecture.starts_with("qwen")) {
    return llama_like_config(architecture);
  }
  if (architecture == "openai-gpt") {
    return {{"model_type", architecture}, {"vocab_size", 60},        {"n_embd", 24}, {"n_layer", 2}, {"n_head", 3},
            {"n_positions", 64},          {"afn", golden.activation}};
  }
  if (architecture == "gpt2") {
    return {{"model_type", architecture},
            {"vocab_size", 60},
            {"n_embd", 32},
            {"n_layer", 2},
            {"n_head", 4},
            {"n_inner", 52},
            {"n_positions", 64},
            {"activation_function", golden.activation}};
  }
  if (architecture == "distilbert") {
    return {{"model_type", architecture},
            {"vocab_size", 60},
            {"dim", 32},
            {"n_layers", 2},
            {"n_heads", 4},
            {"hidden_dim", 64},
            {"pad_token_id", 0},
            {"max_position_embeddings", 64},
            {"activation", golden.activation}};
  }
  const bool roberta = architecture.ends_with("roberta");
  return {{"model_type", architecture},
          {"vocab_size", 60},
          {"hidden_size", 32},
          {"embedding_size", 32},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"intermediate_size", 64},
          {"max_position_embeddings", roberta ? 66 : 64},
          {"type_vocab_size", roberta ? 1 : 2},
          {"pad_token_id", roberta ? 1 : 0},
          {"layer_norm_eps", roberta ? 1e-5 : 1e-12},
          {"hidden_act", golden.activation}};
}

}  // namespace

const std::vector<GoldenCase>& golden_cases() {
  static const std::vector<GoldenCase> all = [] {
    std::vector<GoldenCase> cases;
    for (const char* file : {"transformers", "adapters", "transformers_more", "transformers_pages",
                             "transformers_decoders", "transformers_language", "adapters_more", "own"}) {
      const json content = json::parse(std::ifstream(folder() / (std::string(file) + ".json")));
      for (const json& one : content.at("cases")) {
        if (can_be_run(one)) cases.push_back(case_of(one, content.at("rows")));
      }
    }
    return cases;
  }();
  return all;
}

double GoldenCase::centre_of(const std::string& tensor) const {
  for (const auto& [suffix, centre] : centres) {
    if (tensor.ends_with(suffix)) return centre;
  }
  return 0;
}

std::map<std::string, std::vector<float>> GoldenCase::gradients() const {
  return tensors_behind(tensors, name + "/");
}

std::map<std::string, std::vector<float>> GoldenCase::starts() const {
  return tensors_behind(tensors, name + "/start/");
}

void write_golden_model(const GoldenCase& golden, const fs::path& to) {
  const json config = config_of(golden);
  fs::create_directories(to);
  std::ofstream(to / "config.json") << config.dump(2) << '\n';
  const worker::ReadModel model = worker::parse_model(config.dump(), "golden");
  const bool pooler = golden.pooler && model.architecture->pools;
  const worker::ModelFacts facts(*model.architecture, model.config, {.pooler = pooler, .output = true});
  std::vector<std::vector<float>> data;
  std::vector<checkpoint::TensorToWrite> out;
  data.reserve(facts.tensors.size());  // `out` points into it
  std::set<std::string> written;       // several tensors of ours may be parts of one
  for (const worker::TensorFact& fact : facts.tensors) {
    if (!written.insert(fact.in_file).second) continue;
    const worker::Shape shape = fact.shape_in_file();
    const double centre = fact.role == worker::TensorFact::Role::NormScale ? 1 : 0;
    data.push_back(golden_numbers(golden.base + "/" + fact.in_file, static_cast<std::size_t>(worker::elements(shape)),
                                  kBaseSpread, centre));
    out.push_back({fact.in_file, "F32", shape, data.back().data(), data.back().size() * sizeof(float)});
  }
  checkpoint::write_safetensors(to / "model.safetensors", out);
}

}  // namespace peftgrid::tests
