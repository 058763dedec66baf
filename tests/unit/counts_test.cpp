// How many numbers each method trains and keeps on models of the sizes that papers print, from config.json alone: what
// `orchestrator plan` shows of a folder without weights.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/catalogue.hpp"

namespace peftgrid::worker {
namespace {

using nlohmann::json;
using Options = std::map<std::string, OptionValue>;

BackboneFacts facts_of(const json& config) {
  const auto [architecture, model] = parse_model(config.dump(), "config.json");
  return {*architecture, model, architecture->pools};
}

BackboneFacts bert(std::int64_t width, std::int64_t layers) {
  return facts_of({{"model_type", "bert"},
                   {"vocab_size", 30522},
                   {"hidden_size", width},
                   {"num_hidden_layers", layers},
                   {"num_attention_heads", width / 64},
                   {"intermediate_size", 4 * width},
                   {"max_position_embeddings", 512}});
}

const BackboneFacts& bert_base() {
  static const BackboneFacts facts = bert(768, 12);
  return facts;
}
const BackboneFacts& bert_large() {
  static const BackboneFacts facts = bert(1024, 24);
  return facts;
}
const BackboneFacts& roberta_base() {
  static const BackboneFacts facts = facts_of({{"model_type", "roberta"},
                                               {"vocab_size", 50265},
                                               {"hidden_size", 768},
                                               {"num_hidden_layers", 12},
                                               {"num_attention_heads", 12},
                                               {"intermediate_size", 3072},
                                               {"max_position_embeddings", 514},
                                               {"type_vocab_size", 1},
                                               {"pad_token_id", 1}});
  return facts;
}
const BackboneFacts& distilbert() {
  static const BackboneFacts facts = facts_of({{"model_type", "distilbert"},
                                               {"vocab_size", 30522},
                                               {"dim", 768},
                                               {"n_layers", 6},
                                               {"n_heads", 12},
                                               {"hidden_dim", 3072},
                                               {"max_position_embeddings", 512}});
  return facts;
}

ParameterCounts count(const BackboneFacts& backbone, const std::string& method, const Options& options = {},
                      const std::string& readout = "pooler") {
  TrialSpec spec;
  spec.method.name = method;
  for (const OptionInfo& option : find_method(method)->options) spec.method.options[option.name] = option.fallback;
  for (const auto& [name, value] : options) spec.method.options.at(name) = value;
  spec.backbone.readout = readout;
  spec.task.labels = {"a", "b"};
  return count_trained(spec, backbone);
}

OptionValue number(std::int64_t value) {
  return value;
}
OptionValue word(const std::string& value) {
  return value;
}

TEST(Counts, OfBertBaseAreThoseThatPapersPrint) {
  const BackboneFacts& base = bert_base();
  EXPECT_EQ(count(base, "full").method, 109'482'240);
  EXPECT_EQ(count(base, "head").head, 1'538);
  for (const auto& [layers, printed] : {std::pair{1, 7'680'002}, {2, 14'767'874}, {4, 28'943'618}}) {
    const ParameterCounts top = count(base, "top_layers", {{"layers", number(layers)}});
    EXPECT_EQ(top.method + top.head, printed) << layers << " layers, with pooler and head";
  }
  EXPECT_EQ(count(base, "bitfit", {}, "cls").method, 102'144);
  EXPECT_EQ(count(base, "bitfit").method, 102'912);
  EXPECT_EQ(count(base, "pfeiffer").method, 894'528);
  EXPECT_EQ(count(base, "houlsby", {{"bottleneck", number(48)}, {"norms", word("frozen")}}).method, 1'789'056);
  EXPECT_EQ(count(base, "houlsby", {{"norms", word("frozen")}}).method, 2'379'264);
  EXPECT_EQ(count(base, "houlsby").method, 2'379'264 + 38'400);
  EXPECT_EQ(count(base, "norms").method, 38'400);
  EXPECT_EQ(count(base, "prefix").method, 184'320);
  EXPECT_EQ(count(base, "prefix", {{"length", number(20)}}).method, 368'640);
  EXPECT_EQ(count(base, "prefix", {{"network_width", number(512)}}).method, 9'857'024);
  EXPECT_EQ(count(base, "prefix", {{"network_width", number(512)}}).stored, 184'320);
  EXPECT_EQ(count(base, "prompt", {{"length", number(20)}}).method, 15'360);
  EXPECT_EQ(count(base, "prompt", {{"length", number(100)}}).method, 76'800);
  EXPECT_EQ(count(base, "ptuning_v2").method, 368'640);
  EXPECT_EQ(count(base, "lora").method, 294'912);
  EXPECT_EQ(count(base, "ia3").method, 55'296);
  EXPECT_EQ(count(base, "ia3", {{"placement", word("peft")}}).method, 64'512);
}

TEST(Counts, OfUnipeltMatchThePaperAsTheyAreStored) {
  const OptionValue ap = std::vector<std::string>{"prefix", "adapter"};
  EXPECT_EQ(count(bert_base(), "unipelt", {{"parts", ap}, {"gates", word("no")}}).stored, 1'078'848);
  EXPECT_EQ(count(bert_base(), "unipelt", {{"parts", ap}}).stored, 1'097'304);
  EXPECT_EQ(count(bert_base(), "unipelt", {{"gates", word("no")}}).stored, 1'373'760);
  EXPECT_EQ(count(bert_base(), "unipelt").stored, 1'410'672);
  EXPECT_EQ(count(bert_base(), "unipelt").method, 1'410'672 - 184'320 + 9'857'024);
}

TEST(Counts, OfAFrozenHeadAreNone) {
  EXPECT_EQ(count(bert_base(), "unipelt", {{"freeze_head", word("yes")}}).head, 0);
}

TEST(Counts, OfBertLargeAreThoseThatPapersPrint) {
  const BackboneFacts& large = bert_large();
  EXPECT_EQ(count(large, "full").method, 335'141'888);
  EXPECT_EQ(count(large, "bitfit", {}, "cls").method, 271'360);
  EXPECT_EQ(count(large, "pfeiffer").method, 3'171'840);
  EXPECT_EQ(count(large, "prefix", {{"length", number(1)}}).method, 49'152);
  EXPECT_EQ(count(large, "lora").method, 786'432);
  EXPECT_EQ(count(large, "ia3").method, 147'456);
}

TEST(Counts, OfRobertaBaseHaveItsOwnHead) {
  const BackboneFacts& roberta = roberta_base();
  EXPECT_EQ(count(roberta, "full").method, 124'055'040);
  EXPECT_EQ(count(roberta, "head").head, 592'130);
  EXPECT_EQ(count(roberta, "bitfit").method, 102'144);
  EXPECT_EQ(count(roberta, "lora").method, 294'912);
  EXPECT_EQ(count(roberta, "ia3").method, 55'296);
}

TEST(Counts, OfDistilbertHaveNoTypesAndNoPooler) {
  EXPECT_EQ(count(distilbert(), "full").method, 66'362'880);
}

TEST(Counts, OfGpt2AreThoseThatPapersPrint) {
  const BackboneFacts gpt2 = facts_of({{"model_type", "gpt2"},
                                       {"vocab_size", 50257},
                                       {"n_embd", 768},
                                       {"n_layer", 12},
                                       {"n_head", 12},
                                       {"n_positions", 1024}});
  EXPECT_EQ(count(gpt2, "full", {}, "last").method, 124'439'808);
  EXPECT_EQ(count(gpt2, "head", {}, "last").head, 1'536);
  EXPECT_EQ(count(gpt2, "bitfit", {}, "last").method, 102'144);
  EXPECT_EQ(count(gpt2, "pfeiffer", {}, "last").method, 894'528);
  EXPECT_EQ(count(gpt2, "prefix", {{"length", number(1)}}, "last").method, 18'432);
  const OptionValue fused = std::vector<std::string>{"query", "key", "value"};
  EXPECT_EQ(count(gpt2, "lora", {{"targets", fused}, {"pairs", word("shared")}}, "last").method, 294'912);
  EXPECT_EQ(count(gpt2, "ia3", {}, "last").method, 55'296);
  EXPECT_EQ(count(gpt2, "ia3", {{"placement", word("peft")}}, "last").method, 64'512);
}

TEST(Counts, OfGpt1HaveNoFinalNorm) {
  const BackboneFacts gpt1 = facts_of({{"model_type", "openai-gpt"},
                                       {"vocab_size", 40478},
                                       {"n_embd", 768},
                                       {"n_layer", 12},
                                       {"n_head", 12},
                                       {"n_positions", 512}});
  EXPECT_EQ(count(gpt1, "full", {}, "last").method, 116'534'784);
  EXPECT_EQ(count(gpt1, "bitfit", {}, "last").method, 101'376);
}

TEST(Counts, OfLlama7bAreThoseThatPapersPrint) {
  const BackboneFacts llama = facts_of({{"model_type", "llama"},
                                        {"vocab_size", 32000},
                                        {"hidden_size", 4096},
                                        {"num_hidden_layers", 32},
                                        {"num_attention_heads", 32},
                                        {"intermediate_size", 11008},
                                        {"max_position_embeddings", 2048},
                                        {"rope_theta", 10000}});
  EXPECT_EQ(count(llama, "bitfit", {}, "last").method, 0);
  EXPECT_EQ(count(llama, "pfeiffer", {}, "last").method, 67'248'128);
  EXPECT_EQ(count(llama, "prefix", {{"length", number(1)}}, "last").method, 262'144);
  EXPECT_EQ(count(llama, "lora", {}, "last").method, 4'194'304);
  const OptionValue all = std::vector<std::string>{"all"};
  EXPECT_EQ(count(llama, "lora", {{"rank", number(64)}, {"targets", all}}, "last").method, 159'907'840);
  EXPECT_EQ(count(llama, "ia3", {}, "last").method, 614'400);
  EXPECT_EQ(count(llama, "llama_adapter", {{"layers", number(30)}}, "last").method, 1'229'760);
}

TEST(Counts, OfChatGlm2AreThoseOfItsGroupedHeads) {
  const BackboneFacts glm = facts_of({{"model_type", "chatglm"},
                                      {"padded_vocab_size", 65024},
                                      {"hidden_size", 4096},
                                      {"num_layers", 28},
                                      {"num_attention_heads", 32},
                                      {"multi_query_attention", true},
                                      {"multi_query_group_num", 2},
                                      {"kv_channels", 128},
                                      {"ffn_hidden_size", 13696},
                                      {"seq_length", 32768},
                                      {"add_qkv_bias", true}});
  EXPECT_EQ(count(glm, "bitfit", {}, "last").method, 129'024);
  EXPECT_EQ(count(glm, "pfeiffer", {}, "last").method, 58'842'112);
  EXPECT_EQ(count(glm, "prefix", {{"length", number(1)}}, "last").method, 14'336);
  const OptionValue fused = std::vector<std::string>{"query", "key", "value"};
  EXPECT_EQ(count(glm, "lora", {{"targets", fused}, {"pairs", word("shared")}}, "last").method, 1'949'696);
}

}  // namespace
}  // namespace peftgrid::worker
