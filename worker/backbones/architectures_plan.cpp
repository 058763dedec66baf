#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "checkpoint/plain_file.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

#define ARCHITECTURE(name, code) const Architecture& name##_architecture();
#include "worker/backbones/architectures.inc"
#undef ARCHITECTURE

namespace {

constexpr std::uint64_t kMostConfigBytes = 1 << 20;

/// Bytes of the modules' names that all of `names` begin with.
std::size_t shared_prefix(const std::vector<std::string>& names) {
  if (names.size() < 2) return 0;
  const auto [first, last] = std::ranges::minmax_element(names);
  const auto shared = std::ranges::mismatch(*first, *last).in1 - first->begin();
  const std::size_t dot = first->rfind('.', static_cast<std::size_t>(shared));
  return dot == std::string::npos || shared == 0 || static_cast<std::ptrdiff_t>(dot) >= shared ? 0 : dot + 1;
}

/// What to write where a config.json does not say whose it is: its class tells.
[[noreturn]] void without_type(const nlohmann::json& config, const std::string& where,
                               const std::vector<std::string>& known) {
  const auto classes = config.find("architectures");
  const bool named = classes != config.end() && classes->is_array() && !classes->empty() && (*classes)[0].is_string();
  const std::string of = named ? (*classes)[0].get<std::string>() : std::string();
  std::string best;
  for (const std::string& name : known) {
    if (folded(of).starts_with(folded(name)) && name.size() > best.size()) best = name;
  }
  if (!best.empty()) {
    throw UsageError(
        fmt::format("{}: key \"model_type\" is missing; \"architectures\" names {}, so add \"model_type\": "
                    "\"{}\"",
                    where, in_quotes(of), best));
  }
  throw UsageError(fmt::format("{}: key \"model_type\" is missing; add it, with what the weights are of; known: {}",
                               where, joined(known)));
}

/// Models that are near to one that is known, and not the same.
const std::map<std::string, const char*>& near_misses() {
  static const std::map<std::string, const char*> all{
      {"glm4", "GLM-4-0414 has two more norms in a block than GLM-4-9B (glm), which is read"},
      {"gemma", "Gemma scales its embeddings and adds 1 to its norms' scales, which no architecture here does"},
      {"gemma2", "Gemma 2 norms behind its branches, too, and caps its scores"},
      {"gemma3_text", "Gemma 3 norms behind its branches, too, and attends within windows"},
      {"gpt_bigcode", "its heads share one key and value, as no GPT-2's do"},
      {"gpt_neox", "its branches stand side by side, and a part of each head turns"},
      {"mpt", "it has no positions but slopes on its scores (ALiBi)"},
      {"bloom", "it has no positions but slopes on its scores (ALiBi)"},
      {"phi3", "its release fuses other matrices than those that are read here"},
      {"qwen2_moe", "a router chooses among its feed-forward parts"},
      {"mixtral", "a router chooses among its feed-forward parts"}};
  return all;
}

std::string type_of(const ConfigReader& read, const std::vector<std::string>& known) {
  const std::string given = read.any_text("model_type");
  const auto near = near_misses().find(given);
  if (near != near_misses().end()) {
    read.fail(fmt::format("\"model_type\" is \"{}\": {}; known: {}", given, near->second, joined(known)));
  }
  return read.text("model_type", known, "");
}

}  // namespace

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all{
#define ARCHITECTURE(name, code) &name##_architecture(),
#include "worker/backbones/architectures.inc"
#undef ARCHITECTURE
  };
  return all;
}

const Architecture& find_architecture(const std::string& name) {
  const auto found = std::ranges::find_if(architectures(), [&](const Architecture* a) { return a->name == name; });
  if (found == architectures().end()) throw UsageError("this program has no architecture " + in_quotes(name));
  return **found;
}

bool Architecture::has_readout(const std::string& readout) const {
  return std::ranges::find(readouts, readout) != readouts.end();
}

std::string Architecture::name_in_file(std::string of) const {
  for (const std::string& prefix : prefixes) {
    if (of.starts_with(prefix)) {
      of.erase(0, prefix.size());
      break;
    }
  }
  // Checkpoints that were converted from TensorFlow.
  if (of.ends_with(".LayerNorm.gamma")) of.replace(of.size() - 5, 5, "weight");
  if (of.ends_with(".LayerNorm.beta")) of.replace(of.size() - 4, 4, "bias");
  return of;
}

Shape TensorFact::shape_in_file() const {
  Shape whole = shape;
  if (file_rows > 0) whole[0] = file_rows;
  if (transposed) std::ranges::reverse(whole);
  return whole;
}

std::string TensorFact::stored_as() const {
  if (part.empty()) return in_file;
  const std::size_t dot = in_file.rfind('.');
  return in_file.substr(0, dot) + "." + part + in_file.substr(dot);
}

void ModelConfig::set_dropout(double rate) {
  if (rate < 0) return;
  for (std::optional<double>* place : {&embedding_dropout, &attention_dropout, &attention_branch_dropout, &ffn_dropout,
                                       &head_dropout, &inserted_head_dropout}) {
    if (*place) *place = rate;
  }
}

ModelFacts::ModelFacts(const Architecture& of, ModelConfig as, ModelParts parts)
    : architecture(&of),
      config(std::move(as)),
      pooler(parts.pooler),
      output(parts.output && !of.output_in_file.empty()),
      geometry(of.geometry(config, pooler)),
      tensors(of.tensors(config, pooler)) {
  if (output && !config.tied_output) {
    tensors.push_back({"output.weight",
                       of.output_in_file,
                       {config.vocabulary, config.width},
                       TensorFact::Role::Product,
                       config.layers});
  }
}

const TensorFact& ModelFacts::tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &TensorFact::name);
  if (found == tensors.end()) throw std::out_of_range("the model has no tensor " + std::string(name));
  return *found;
}

std::int64_t ModelFacts::parameters() const {
  std::int64_t sum = 0;
  for (const TensorFact& fact : tensors) sum += elements(fact.shape);
  return sum;
}

ReadModel parse_model(std::string_view text, const std::string& where) {
  const nlohmann::json config = checkpoint::parse_shallow(text);
  if (config.is_discarded()) throw UsageError(where + ": is not JSON");
  if (!config.is_object()) throw UsageError(where + ": is not a JSON object");
  const ConfigReader read(config, where);
  std::vector<std::string> names;
  for (const Architecture* one : architectures()) names.push_back(one->name);
  if (!read.has("model_type")) without_type(config, where, names);
  const Architecture& architecture = find_architecture(type_of(read, names));
  if (read.has("quantization_config")) {
    read.fail("\"quantization_config\" says that the weights are quantized; F32, F16 and BF16 are read");
  }
  ModelConfig model = architecture.read(read);
  const bool says = read.has("tie_word_embeddings");
  model.tied_output = says ? read.is_true("tie_word_embeddings") : architecture.ties_output;
  return {&architecture, std::move(model)};
}

ReadModel read_model(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw UsageError(folder + ": " + checkpoint::absence(folder, "folder") +
                     "; a backbone is a Hugging Face folder with config.json, model.safetensors and tokenizer.json");
  }
  const std::string file = (std::filesystem::path(folder) / "config.json").string();
  return parse_model(read_whole_file(file, kMostConfigBytes), file);
}

std::map<std::string, std::string> names_in_file(const Architecture& architecture,
                                                 const std::vector<std::string>& names, const std::string& where) {
  const std::size_t wrapper = shared_prefix(names);
  std::map<std::string, std::string> by_name;
  for (const std::string& name : names) {
    const auto [before, fresh] = by_name.emplace(architecture.name_in_file(name.substr(wrapper)), name);
    if (fresh) continue;
    throw UsageError(
        fmt::format("{}: the tensors {} and {} mean the same one", where, in_quotes(before->second), in_quotes(name)));
  }
  return by_name;
}

bool holds_pooler(const Architecture& architecture, const std::vector<std::string>& names) {
  const std::size_t wrapper = shared_prefix(names);
  return architecture.pools && std::ranges::any_of(names, [&](const std::string& name) {
           return architecture.name_in_file(name.substr(wrapper)) == "pooler.dense.weight";
         });
}

std::int64_t elements(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

}  // namespace peftgrid::worker
