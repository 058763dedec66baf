#include "worker/catalogue.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/tiny_model.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// A BERT on paper.
BackboneFacts bert(std::int64_t width, std::int64_t layers, bool pooler) {
  const auto [architecture, config] = parse_model(nlohmann::json{{"model_type", "bert"},
                                                                 {"vocab_size", 30522},
                                                                 {"hidden_size", width},
                                                                 {"num_hidden_layers", layers},
                                                                 {"num_attention_heads", 12},
                                                                 {"intermediate_size", 4 * width},
                                                                 {"max_position_embeddings", 512}}
                                                      .dump(),
                                                  "config.json");
  return {*architecture, config, pooler};
}
BackboneFacts bert_base(bool pooler = true) {
  return bert(768, 12, pooler);
}
BackboneFacts small_bert() {
  return bert(384, 6, true);
}

TrialSpec trial(const std::string& method, const std::string& readout = "pooler") {
  TrialSpec spec;
  spec.method.name = method;
  for (const OptionInfo& option : find_method(method)->options) spec.method.options[option.name] = option.fallback;
  spec.backbone.readout = readout;
  spec.task.labels = {"a", "b"};
  return spec;
}

std::int64_t trained(const TrialSpec& spec) {
  return count_trained(spec, bert_base()).method;
}

TEST(Counts, AgreeWithTheFormulasForBertBase) {
  EXPECT_EQ(trained(trial("full")), 109'482'240);
  EXPECT_EQ(trained(trial("head")), 0);
  EXPECT_EQ(trained(trial("top_layers")), 2 * 7'087'872 + 590'592);
  EXPECT_EQ(trained(trial("lora")), 294'912);
  EXPECT_EQ(trained(trial("bitfit")), 102'912);
  EXPECT_EQ(trained(trial("pfeiffer")), 894'528);
  EXPECT_EQ(trained(trial("prefix")), 184'320);
  EXPECT_EQ(trained(trial("ptuning_v2")), 368'640);
  EXPECT_EQ(trained(trial("prompt")), 7'680);
  EXPECT_EQ(count_trained(trial("lora"), bert_base()).head, 1'538);
}

TEST(Counts, OfAPrefixWithItsNetworkAreThoseThatTrainAndThoseThatAreStored) {
  TrialSpec prefix = trial("prefix");
  prefix.method.options["network_width"] = std::int64_t{512};
  EXPECT_EQ(trained(prefix), 9'857'024);
  EXPECT_EQ(count_trained(prefix, bert_base()).stored, 184'320);
  EXPECT_EQ(count_trained(trial("prefix"), bert_base()).stored, 184'320);
}

TEST(Counts, OfPtuningAreThoseOfPeftsPromptEncoder) {
  TrialSpec ptuning = trial("ptuning");
  EXPECT_EQ(trained(ptuning), 27'158'784 + 20 * 768);
  EXPECT_EQ(count_trained(ptuning, bert_base()).stored, 20 * 768);
  ptuning.method.options["encoder"] = std::string("mlp");
  EXPECT_EQ(trained(ptuning), 1'771'776 + 20 * 768);
  EXPECT_EQ(count_trained(ptuning, bert_base()).stored, 20 * 768);
}

TEST(Counts, OfLlamaAdapterAreItsPromptsAndGates) {
  TrialSpec adapter = trial("llama_adapter");
  EXPECT_EQ(trained(adapter), 92'304);
  adapter.method.options["gate"] = std::string("layer");
  EXPECT_EQ(trained(adapter), 12 * (7'680 + 1));
  adapter.method.options["layers"] = std::int64_t{3};
  EXPECT_EQ(trained(adapter), 3 * (7'680 + 1));
}

TEST(Counts, APoolerThatIsNotReadDoesNotTrain) {
  EXPECT_EQ(trained(trial("full", "mean")), 109'482'240 - 590'592);
  EXPECT_EQ(trained(trial("bitfit", "mean")), 102'144);
  EXPECT_EQ(trained(trial("top_layers", "cls")), 2 * 7'087'872);
}

TEST(Counts, AMissingPoolerIsPartOfTheHead) {
  const BackboneFacts base = bert_base(false);
  EXPECT_EQ(count_trained(trial("lora"), base).head, 592'130);
  EXPECT_EQ(count_trained(trial("full"), base).method, base.model.parameters());
  EXPECT_EQ(count_trained(trial("bitfit"), base).method, 102'144);
  EXPECT_EQ(count_trained(trial("lora", "mean"), base).head, 1'538);
}

TEST(Counts, OptionsCount) {
  TrialSpec lora = trial("lora");
  lora.method.options["targets"] =
      std::vector<std::string>{"query", "key", "value", "attention_output", "ffn_up", "ffn_down"};
  EXPECT_EQ(trained(lora), 12 * 8 * (4 * 1536 + 2 * 3840));
  TrialSpec bitfit = trial("bitfit");
  bitfit.method.options["biases"] = std::vector<std::string>{"query", "ffn_up"};
  EXPECT_EQ(trained(bitfit), 12 * (768 + 3072));
  TrialSpec regression = trial("lora");
  regression.task.kind = "regression";
  regression.task.labels.clear();
  EXPECT_EQ(count_trained(regression, bert_base()).head, 769);
}

TEST(Rates, DependOnMethodAndSizeOfBackbone) {
  const BackboneFacts small = small_bert();
  for (const MethodInfo& method : methods()) {
    if (is_untrained(method.name)) continue;
    EXPECT_GT(default_learning_rate({method.name, {}}, {}, small),
              default_learning_rate({method.name, {}}, {}, bert_base()))
        << method.name;
  }
  EXPECT_EQ(default_learning_rate({"full", {}}, {}, small), 2e-4);
}

TEST(Rates, OfAPrefixThatANetworkMakesAreLowerByWhateverName) {
  for (const char* method : {"prefix", "ptuning_v2"}) {
    EXPECT_EQ(default_learning_rate({method, {{"network_width", std::int64_t{512}}}}, {}, small_bert()), 1e-3)
        << method;
    EXPECT_EQ(default_learning_rate({method, {{"network_width", std::int64_t{0}}}}, {}, small_bert()), 1e-2) << method;
  }
}

TEST(Costs, ARegressionHasRatesOfItsOwnOnlyOnStandardizedTargetsOfASmallBackbone) {
  const BackboneFacts small = small_bert();
  TaskSpec raw;
  raw.kind = "regression";
  TaskSpec standardized = raw;
  standardized.targets = "standardized";
  for (const MethodInfo& method : methods()) {
    const double usual = default_learning_rate({method.name, {}}, {}, small);
    EXPECT_EQ(default_learning_rate({method.name, {}}, raw, small), usual) << "whose trials keep their ids";
    EXPECT_EQ(default_learning_rate({method.name, {}}, standardized, bert_base()),
              default_learning_rate({method.name, {}}, {}, bert_base()));
  }
  EXPECT_EQ(default_learning_rate({"full", {}}, standardized, small), 1e-4);
}

/// The rows of the first table under "Default rates" in docs/methods.md that are this method's.
std::vector<std::vector<double>> documented_rates(const std::string& method) {
  std::ifstream page(PEFTGRID_SOURCE "/docs/methods.md");
  std::string line;
  while (std::getline(page, line) && line != "## Default rates") continue;
  while (std::getline(page, line) && !line.starts_with('|')) continue;
  std::vector<std::vector<double>> rows;
  const std::string begin = "| `" + method + "` | ";
  for (; line.starts_with('|'); std::getline(page, line)) {
    if (!line.starts_with(begin)) continue;
    std::istringstream cells(line.substr(begin.size()));
    std::vector<double>& row = rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(std::stod(cell));
  }
  return rows;
}

TEST(Rates, StandOnceInTheDocs) {
  for (const MethodInfo& method : methods()) {
    if (is_untrained(method.name)) continue;
    const DefaultRates rates = method_plan(method.name).rates();
    EXPECT_THAT(documented_rates(method.name),
                ElementsAre(ElementsAre(rates.small, rates.small_regression, rates.large,
                                        rates.decoder > 0 ? rates.decoder : rates.large)))
        << method.name;
  }
}

TEST(Costs, FullFineTuningCostsMoreThanAnAdapterAndTheHeadLeast) {
  const auto training = [](const char* method) { return token_cost(trial(method), bert_base(), 32).training; };
  EXPECT_GT(training("full"), training("prompt"));
  EXPECT_GT(training("prompt"), training("lora"));
  EXPECT_GT(training("lora"), training("top_layers"));
  EXPECT_GT(training("top_layers"), training("head"));
}

TEST(Costs, WhatAMethodMultipliesByItselfIsCounted) {
  const TokenCost base = token_cost(trial("bitfit"), bert_base(), 32),
                  cost = token_cost(trial("lora"), bert_base(), 32);
  const double forward = 2.0 * 294'912;
  EXPECT_DOUBLE_EQ(cost.evaluation - base.evaluation, forward);
  EXPECT_DOUBLE_EQ(cost.training - base.training, 3 * forward);
  EXPECT_DOUBLE_EQ(cost.training_trained, 3 * forward);
}

/// Folders of tiny models, with a cache of hashes of their own.
class Backbones : public testing::Test {
 protected:
  Backbones() : root_(fs::path(testing::TempDir()) / ("backbones_" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    setenv("XDG_CACHE_HOME", (root_ / "cache").c_str(), 1);
  }
  ~Backbones() override { fs::remove_all(root_); }
  BackboneFacts facts(const tests::TinyModel& options, const std::string& name = "m") {
    return inspect_backbone(tests::write_tiny_model(root_ / name, options).string());
  }
  fs::path root_;
};

TEST_F(Backbones, APlainFolderIsUnderstood) {
  const BackboneFacts plain = facts({});
  EXPECT_EQ(plain.model.architecture->name, "bert");
  EXPECT_EQ(plain.model.geometry.layers, 2);
  EXPECT_EQ(plain.model.geometry.width, 16);
  EXPECT_EQ(plain.dtype, "F32");
  EXPECT_TRUE(plain.model.pooler);
  EXPECT_EQ(plain.default_readout, "pooler");
  const std::int64_t layer = 4 * (16 * 16 + 16) + 2 * 16 * 32 + 32 + 16 + 4 * 16;
  EXPECT_EQ(plain.model.parameters(), (64 + 64 + 2 + 2) * 16 + 2 * layer + 16 * 16 + 16);
  EXPECT_TRUE(plain.ignored_tensors.empty());
}

TEST_F(Backbones, NamesOfTensorsMayVary) {
  tests::TinyModel hub;
  hub.prefix = hub.gamma_beta = hub.extra = true;
  const BackboneFacts found = facts(hub);
  EXPECT_EQ(found.model.parameters(), facts({}, "plain").model.parameters());
  EXPECT_THAT(found.ignored_tensors, ElementsAre("cls.predictions.bias"));
}

TEST_F(Backbones, HalfPrecisionFilesAreRead) {
  tests::TinyModel options;
  for (const char* dtype : {"F16", "BF16"}) {
    options.dtype = dtype;
    EXPECT_EQ(facts(options, dtype).dtype, dtype);
  }
}

TEST_F(Backbones, AMissingPoolerAndAMeanReadoutAreSeen) {
  tests::TinyModel options;
  options.pooler = false;
  EXPECT_FALSE(facts(options, "without").model.pooler);
  options.mean_pooling = true;
  EXPECT_EQ(facts(options, "sentences").default_readout, "mean");
}

TEST_F(Backbones, TheHashIsThatOfTheWeights) {
  tests::TinyModel other;
  other.seed = 2;
  EXPECT_EQ(facts({}, "one").weights_sha256, facts({}, "two").weights_sha256);
  EXPECT_NE(facts({}, "one").weights_sha256, facts(other, "three").weights_sha256);
}

TEST_F(Backbones, ARememberedHashIsForgottenWhenTheFileChanges) {
  fs::create_directories(root_);
  const fs::path file = root_ / "large";
  std::ofstream(file) << std::string(std::size_t{2} << 20, 'a');
  const std::string before = content_sha256(file);
  EXPECT_EQ(content_sha256(file), before);
  ASSERT_EQ(std::distance(fs::directory_iterator(*cache_folder() / "hashes"), {}), 1);
  std::ofstream(file) << std::string((std::size_t{2} << 20) + 1, 'a');
  EXPECT_NE(content_sha256(file), before);
  for (const auto& entry : fs::directory_iterator(*cache_folder() / "hashes")) std::ofstream(entry.path()) << "junk";
  EXPECT_NE(content_sha256(file), before);
}

}  // namespace
}  // namespace peftgrid::worker
