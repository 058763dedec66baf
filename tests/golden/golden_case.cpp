#include "tests/golden/golden_case.hpp"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

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

GoldenCase case_of(const json& one, const json& rows) {
  GoldenCase golden;
  golden.name = one.at("name");
  golden.base = one.at("base");
  golden.readout = one.at("readout");
  golden.activation = one.at("activation");
  golden.method = method_of(one);
  golden.spread = one.at("spread");
  golden.pooler = one.at("pooler");
  golden.kind = one.at("kind");
  golden.targets = one.value("targets", "raw");
  golden.outputs = one.at("outputs");
  golden.training.learning_rate = one.at("learning_rate");
  golden.training.warmup = one.at("warmup");
  for (const json& row : rows.at(golden.base)) {
    golden.rows.push_back({row.at("ids"), row.at("types"), row.at("label"), row.at("value")});
  }
  for (const json& row : one.at("logits")) {
    for (const json& logit : row) golden.logits.push_back(logit);
  }
  golden.loss = one.at("loss");
  golden.losses = one.at("losses").get<std::vector<double>>();
  golden.tensors = folder() / one.at("file").get<std::string>();
  return golden;
}

}  // namespace

const std::vector<GoldenCase>& golden_cases() {
  static const std::vector<GoldenCase> all = [] {
    std::vector<GoldenCase> cases;
    for (const char* file : {"transformers.json", "adapters.json"}) {
      const json content = json::parse(std::ifstream(folder() / file));
      for (const json& one : content.at("cases")) cases.push_back(case_of(one, content.at("rows")));
    }
    return cases;
  }();
  return all;
}

std::map<std::string, std::vector<float>> GoldenCase::gradients() const {
  const checkpoint::MappedFile file(tensors);
  const auto index = checkpoint::parse_safetensors_header(file.bytes(), file.bytes().size(), tensors.string());
  std::map<std::string, std::vector<float>> found;
  for (const auto& [key, entry] : index) {
    if (!key.starts_with(name + "/")) continue;
    // "tiny/lora_all/pooler/" begins the keys of "tiny/lora_all/pooler/regression/…" too.
    const std::string tensor = key.substr(name.size() + 1);
    if (tensor.find('/') != std::string::npos) continue;
    std::vector<float>& values = found[tensor];
    values.resize((entry.end - entry.begin) / sizeof(float));
    std::memcpy(values.data(), file.bytes().data() + entry.begin, entry.end - entry.begin);
  }
  return found;
}

void write_golden_bert(const GoldenCase& golden, const fs::path& to) {
  const json config = {{"architectures", {"BertModel"}},
                       {"model_type", "bert"},
                       {"vocab_size", 60},
                       {"hidden_size", 32},
                       {"num_hidden_layers", 2},
                       {"num_attention_heads", 4},
                       {"intermediate_size", 64},
                       {"max_position_embeddings", 64},
                       {"type_vocab_size", 2},
                       {"layer_norm_eps", 1e-12},
                       {"hidden_act", golden.activation}};
  fs::create_directories(to);
  std::ofstream(to / "config.json") << config.dump(2) << '\n';
  const worker::ReadModel model = worker::parse_model(config.dump(), "golden");
  std::map<std::string, worker::Shape> shapes;
  for (const worker::TensorFact& fact : worker::ModelFacts(*model.architecture, model.config, golden.pooler).tensors) {
    shapes[fact.in_file] = fact.shape;
  }
  std::vector<std::vector<float>> data;
  std::vector<checkpoint::TensorToWrite> out;
  data.reserve(shapes.size());  // `out` points into it
  for (const auto& [name, shape] : shapes) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    const double centre = name.ends_with("LayerNorm.weight") ? 1 : 0;
    data.push_back(golden_numbers("tiny/" + name, static_cast<std::size_t>(count), kBaseSpread, centre));
    out.push_back({name, "F32", shape, data.back().data(), data.back().size() * sizeof(float)});
  }
  checkpoint::write_safetensors(to / "model.safetensors", out);
}

}  // namespace peftgrid::tests
