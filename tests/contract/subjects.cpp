#include "tests/contract/subjects.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include "tests/support/tiny_model.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid::tests {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kVocabulary = 64;
constexpr std::int64_t kLargest = 16;  // of a method's lengths, ranks and widths, on models 32 wide

/// The architectures beside BERT.
std::vector<std::string> cousins() {
  std::vector<std::string> names;
  for (const worker::Architecture* one : worker::architectures()) {
    if (one->name != "bert") names.push_back(one->name);
  }
  return names;
}

/// Forms of methods that their defaults leave untouched.
struct Form {
  std::string method;
  std::map<std::string, worker::OptionValue> options;
};
const std::map<std::string, Form>& forms() {
  static const std::map<std::string, Form> all{
      {"prefix_by_a_network", {"prefix", {{"network_width", std::int64_t{12}}, {"dropout", 0.2}}}},
      {"lora_with_shared_pairs",
       {"lora", {{"pairs", std::string("shared")}, {"targets", std::vector<std::string>{"all"}}}}},
      {"llama_adapter_by_layer", {"llama_adapter", {{"gate", std::string("layer")}, {"layers", std::int64_t{1}}}}},
      {"ptuning_by_an_mlp", {"ptuning", {{"encoder", std::string("mlp")}, {"hidden", std::int64_t{12}}}}},
  };
  return all;
}

/// An option's default, cut down where it is a number of things.
worker::OptionValue made_small(const worker::OptionInfo& option) {
  if (option.type != worker::OptionInfo::Type::Integer) return option.fallback;
  return std::min(std::get<std::int64_t>(option.fallback), std::max(kLargest, static_cast<std::int64_t>(option.least)));
}

class Scratch : public testing::Environment {
 public:
  // Written when tests run: a listing of them would leave folders behind.
  void SetUp() override {
    setenv("XDG_CACHE_HOME", (contract_folder() / "cache").c_str(), 1);
    TinyModel bert{.width = 32, .heads = 4, .ffn = 48, .vocabulary = kVocabulary};
    write_tiny_model(contract_folder() / "bert", bert);
    bert.pooler = false;
    write_tiny_model(contract_folder() / "bert_without_pooler", bert);
    for (const std::string& name : cousins()) {
      bert.architecture = name;
      write_tiny_model(contract_folder() / name, bert);
    }
  }
  void TearDown() override { fs::remove_all(contract_folder()); }
};
const auto* const kScratch = testing::AddGlobalTestEnvironment(new Scratch);

}  // namespace

fs::path contract_folder() {
  return fs::path(testing::TempDir()) / ("contract_" + std::to_string(getpid()));
}

const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = [] {
    const std::string with = contract_folder() / "bert", without = contract_folder() / "bert_without_pooler";
    std::vector<Subject> found{{"bert, new pooler", without, "pooler", false}};
    for (const char* readout : {"pooler", "cls", "mean", "last"}) {
      found.push_back({std::string("bert, ") + readout, with, readout, true});
    }
    for (const std::string& name : cousins()) {
      const std::string readout = worker::find_architecture(name).readouts.front();
      found.push_back({name, contract_folder() / name, readout, false});
    }
#ifdef PEFTGRID_SANITIZED  // ten times as slow: one subject for each piece of code
    const std::set<std::string> alike{"xlm-roberta", "mistral", "qwen2", "glm"};
    std::erase_if(found, [&](const Subject& one) {
      return alike.contains(one.name) || (one.name.starts_with("bert, ") && one.name != "bert, pooler");
    });
#endif
    const char* asked = std::getenv("PEFTGRID_TEST_SUBJECTS");
    if (asked != nullptr) std::erase_if(found, [&](const Subject& one) { return !one.name.starts_with(asked); });
    if (found.empty()) throw std::invalid_argument(std::string("there is no subject ") + asked);
    return found;
  }();
  return all;
}

std::vector<TestRow> some_rows(std::size_t count, std::uint32_t first) {
  std::vector<TestRow> rows;
  for (std::uint32_t r = first; r < first + count; ++r) {
    const std::size_t length = 3 + (r * 5) % 14, second = r % 2 == 0 ? length : length / 2;
    TestRow row;
    for (std::size_t t = 0; t < length; ++t) {
      const worker::Four four = worker::philox({r, 5}, static_cast<std::uint32_t>(t), 0, 0, 0);
      row.ids.push_back(static_cast<std::int32_t>(four.v[0] % kVocabulary));
      row.types.push_back(t < second ? 0 : 1);
    }
    row.example = r;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> trained_methods() {
#ifdef PEFTGRID_SANITIZED
  return {"full", "head", "lora", "prompt", "unipelt"};
#else
  std::vector<std::string> names;
  for (const worker::MethodInfo& method : worker::methods()) {
    if (!worker::is_untrained(method.name)) names.push_back(method.name);
  }
  return names;
#endif
}

std::vector<std::string> methods_and_forms() {
  std::vector<std::string> names;
  for (const worker::MethodInfo& method : worker::methods()) {
    if (!worker::is_untrained(method.name)) names.push_back(method.name);
  }
  for (const auto& [name, form] : forms()) names.push_back(name);
  return names;
}

worker::MethodSpec small_method(const std::string& name) {
  if (const auto form = forms().find(name); form != forms().end()) {
    worker::MethodSpec method = small_method(form->second.method);
    for (const auto& [option, value] : form->second.options) method.options[option] = value;
    return method;
  }
  worker::MethodSpec method{name, {}};
  for (const worker::OptionInfo& option : worker::find_method(name)->options)
    method.options[option.name] = made_small(option);
  if (name == "top_layers") method.options["layers"] = std::int64_t{1};  // of two
  return method;
}

Network network_on(const Subject& subject, const worker::MethodSpec& method, std::uint64_t seed, double moved,
                   double dropout) {
  NetworkSpec spec;
  spec.folder = subject.folder;
  spec.readout = subject.readout;
  spec.pooler = subject.pooler;
  spec.method = method;
  spec.outputs = 3;
  spec.seed = seed;
  spec.dropout = dropout;
  Network network(spec);
  std::uint32_t which = 0;
  for (const worker::Trained& p : network.parameters()) {
    std::vector<float> values = values_of(p.tensor);
    const std::vector<float> noise =
        worker::uniform({static_cast<std::uint32_t>(seed), ++which}, p.tensor.numel(), moved);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += noise[i];
    if (moved > 0) set_values(p.tensor, values);
  }
  return network;
}

at::Tensor projected(const at::Tensor& tensor, std::uint32_t which) {
  const at::Tensor direction = at::empty(tensor.sizes(), at::kFloat);
  set_values(direction, worker::normal({which, 99}, tensor.numel(), 1));
  return (tensor * direction).sum();
}

std::vector<float> gradients_of(const std::vector<worker::Trained>& parameters) {
  std::vector<float> all;
  for (const worker::Trained& p : parameters) {
    const at::Tensor gradient = p.tensor.grad();
    const std::vector<float> values = values_of(gradient.defined() ? gradient : at::zeros_like(p.tensor));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace peftgrid::tests
