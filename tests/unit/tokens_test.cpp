#include "worker/tasks/tokens.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/tiny_model.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tokenizer/tokenizer.hpp"
#include "worker/tokenizer/tokenizer_changes.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A tiny backbone, a tiny task, and a cache of their own.
class Tokens : public testing::Test {
 protected:
  Tokens() : folder_(fs::path(testing::TempDir()) / ("tokens_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    tests::write_tiny_model(folder_ / "model");
    write("train.csv", "a,b,label\nab,cd,x\n\"a b\",,y\n");
    write("test.csv", "a,b,label\nabcdefghijkl,abcdefg,y\n");
    task_.name = "pairs";
    task_.format = "csv";
    task_.train = (folder_ / "train.csv").string();
    task_.tests = {{"test", (folder_ / "test.csv").string()}};
    task_.text = {{"a", -1}, {"b", -1}};
    task_.label = {"label", -1};
    task_.labels = {"x", "y"};
    task_.data_sha256 = inspect_task(task_).data_sha256;
    const BackboneFacts facts = inspect_backbone((folder_ / "model").string());
    backbone_ = {"tiny",   (folder_ / "model").string(), facts.model.architecture->name,
                 "pooler", facts.weights_sha256,         facts.tokenizer_sha256};
  }
  ~Tokens() override { fs::remove_all(folder_); }

  void write(const char* name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  nlohmann::json read_json(const char* name) {
    std::ifstream in(folder_ / name);
    return nlohmann::json::parse(in);
  }
  /// The folder as it is now.
  void inspect_again() {
    const BackboneFacts facts = inspect_backbone((folder_ / "model").string());
    backbone_.tokenizer_sha256 = facts.tokenizer_sha256;
    backbone_.truncation_side = facts.truncation_side;
  }
  /// The ids of a text that stands alone.
  std::vector<std::int32_t> ids_of(const std::string& text) {
    inspect_again();
    write("train.csv", "a,b,label\n\"" + text + "\",,x\na,b,y\n");
    task_.text = {{"a", -1}};
    task_.data_sha256 = inspect_task(task_).data_sha256;
    const auto data = tokenize(task_, backbone_, 32);
    const auto ids = data->train().ids(0);
    return {ids.begin(), ids.end()};
  }
  std::string refusal() {
    try {
      tokenize(task_, backbone_, 16);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "none";
  }
  fs::path only_cache_file() const {
    for (const auto& entry : fs::directory_iterator(folder_ / "cache/peftgrid/tokens")) {
      if (entry.path().extension() == ".bin") return entry.path();
    }
    return {};
  }

  fs::path folder_;
  TaskSpec task_;
  BackboneSpec backbone_;
};

TEST_F(Tokens, PairsGetTypeIdsAndSpecialTokens) {
  const auto data = tokenize(task_, backbone_, 16);
  EXPECT_EQ(data->train().rows(), 2);
  // [CLS] a ##b [SEP] c ##d [SEP]
  EXPECT_THAT(data->train().ids(0), ElementsAre(2, 5, 32, 3, 7, 34, 3));
  EXPECT_THAT(data->train().types(0), ElementsAre(0, 0, 0, 0, 1, 1, 1));
  EXPECT_THAT(data->train().ids(1), ElementsAre(2, 5, 6, 3, 3));
  EXPECT_EQ(data->train().label(1), 1);
  EXPECT_EQ(data->validation().rows(), 0);
}

TEST_F(Tokens, TheLongerTextOfAPairIsCutFirst) {
  const auto data = tokenize(task_, backbone_, 13);
  const TokenizedSplit& test = data->tests()[0];
  EXPECT_TRUE(test.truncated(0));
  EXPECT_EQ(test.ids(0).size(), 13U);
  EXPECT_THAT(test.types(0), ElementsAre(0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1));
  EXPECT_FALSE(data->train().truncated(0));
}

TEST_F(Tokens, ASecondCallMapsTheFileOfTheFirst) {
  tokenize(task_, backbone_, 16);
  const auto written = fs::last_write_time(only_cache_file());
  tokenize(task_, backbone_, 16);
  EXPECT_EQ(fs::last_write_time(only_cache_file()), written);
}

TEST_F(Tokens, ADamagedFileIsWrittenAnew) {
  tokenize(task_, backbone_, 16);
  const fs::path file = only_cache_file();
  fs::resize_file(file, fs::file_size(file) - 8);
  EXPECT_THAT(tokenize(task_, backbone_, 16)->train().ids(1), ElementsAre(2, 5, 6, 3, 3));
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-4, std::ios::end);
    bytes.put('!');
  }
  EXPECT_THAT(tokenize(task_, backbone_, 16)->train().ids(1), ElementsAre(2, 5, 6, 3, 3));
}

TEST_F(Tokens, ACacheThatCannotBeWrittenOnlyCostsTime) {
  write("not_a_folder", "");
  setenv("XDG_CACHE_HOME", (folder_ / "not_a_folder").c_str(), 1);
  EXPECT_EQ(tokenize(task_, backbone_, 16)->train().rows(), 2);
}

TEST_F(Tokens, DataThatChangedSinceItsHashWasTakenIsRefused) {
  write("train.csv", "a,b,label\nab,ce,x\na,b,y\n");
  EXPECT_THROW(tokenize(task_, backbone_, 16), ChangedInput);
}

TEST_F(Tokens, EveryPrefixOfTheFileIsRefused) {
  const Dataset data = read_dataset(task_);
  std::ifstream in(folder_ / "model/tokenizer.json");
  const std::string json((std::istreambuf_iterator<char>(in)), {});
  const auto encoder = make_row_encoder(task_, "plain", json, "tokenizer.json", {.max_length = 16});
  const std::string bytes = tokenized_bytes(data, *encoder, "key");
  ASSERT_NE(tokenized_from(bytes, "key"), nullptr);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(tokenized_from(bytes.substr(0, size), "key"), nullptr);
}

TEST_F(Tokens, OfATextAloneHaveNoSpecialOnesAroundThem) {
  EXPECT_THAT(ids_of_text(backbone_, "ab c"), ElementsAre(5, 32, 7));
  EXPECT_THAT(ids_of_text(backbone_, "[SEP]"), ElementsAre(3));
  EXPECT_THAT(ids_of_text(backbone_, " "), testing::IsEmpty());
}

TEST_F(Tokens, AnIdPastTheEmbeddingTableIsRefused) {
  std::ifstream in(folder_ / "model/tokenizer.json");
  std::string json((std::istreambuf_iterator<char>(in)), {});
  const std::size_t letter = json.find("\"a\":5");
  ASSERT_NE(letter, std::string::npos);
  write("model/tokenizer.json", json.replace(letter, 5, "\"a\":64"));
  backbone_.tokenizer_sha256 = inspect_backbone((folder_ / "model").string()).tokenizer_sha256;
  EXPECT_THROW(tokenize(task_, backbone_, 16), UsageError);
  EXPECT_THROW(ids_of_text(backbone_, "a"), UsageError);
}

TEST_F(Tokens, OnTheLeftTheBeginningIsCut) {
  write("model/tokenizer_config.json", R"({"truncation_side": "left"})");
  inspect_again();
  task_.text = {{"a", -1}};
  const auto data = tokenize(task_, backbone_, 5);
  const TokenizedSplit& test = data->tests()[0];
  // [CLS] ##j ##k ##l [SEP]
  EXPECT_THAT(test.ids(0), ElementsAre(2, 40, 41, 42, 3));
  EXPECT_EQ(test.truncated_rows(), 1);
}

TEST_F(Tokens, TheSideIsPartOfTheCachesKeyAndTheOldOneKeepsTheOldKey) {
  tokenize(task_, backbone_, 16);
  const fs::path right = only_cache_file();
  fs::remove(right);
  backbone_.truncation_side = "left";
  tokenize(task_, backbone_, 16);
  EXPECT_NE(only_cache_file(), right);
}

TEST_F(Tokens, CasingAccentsAndChineseCharactersAreAsTheConfigSays) {
  EXPECT_THAT(ids_of("Ab"), ElementsAre(2, 5, 32, 3));
  write("model/tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(ids_of("Ab ab"), ElementsAre(2, 1, 5, 32, 3)) << "no letter of the vocabulary is a capital";
  write("model/tokenizer_config.json", R"({"strip_accents": false})");
  EXPECT_THAT(ids_of("\u00e9 e"), ElementsAre(2, 1, 9, 3));
  write("model/tokenizer_config.json", R"({"tokenize_chinese_chars": false})");
  EXPECT_THAT(ids_of("a\u4e00"), ElementsAre(2, 1, 3)) << "one word of two, which the vocabulary lacks";
  fs::remove(folder_ / "model/tokenizer_config.json");
  EXPECT_THAT(ids_of("\u00e9"), ElementsAre(2, 9, 3));
  EXPECT_THAT(ids_of("a\u4e00"), ElementsAre(2, 5, 1, 3));
}

TEST_F(Tokens, SpecialAndAddedTokensAreAsTheConfigSays) {
  write("model/tokenizer_config.json", R"({"cls_token": "[MASK]", "sep_token": {"content": "[PAD]"}})");
  EXPECT_THAT(ids_of("a"), ElementsAre(4, 5, 0));
  write("model/tokenizer_config.json", R"({"unk_token": "[MASK]"})");
  EXPECT_THAT(ids_of("\u4e00"), ElementsAre(2, 4, 3));
  write("model/tokenizer_config.json",
        R"({"added_tokens_decoder": {"60": {"content": "word60", "normalized": true}}})");
  EXPECT_THAT(ids_of("aword60b"), ElementsAre(2, 5, 60, 6, 3));
  write("model/tokenizer_config.json", R"({"additional_special_tokens": ["word61"]})");
  EXPECT_THAT(ids_of("aword61"), ElementsAre(2, 5, 61, 3));
  fs::remove(folder_ / "model/tokenizer_config.json");
  EXPECT_THAT(ids_of("\u4e00"), ElementsAre(2, 1, 3));
}

TEST_F(Tokens, InputsWithoutTypesGiveEveryTokenTheFirst) {
  write("model/tokenizer_config.json", R"({"model_input_names": ["input_ids", "attention_mask"]})");
  inspect_again();
  EXPECT_EQ(tokenize(task_, backbone_, 16)->largest_type(), 0);
}

TEST_F(Tokens, APairIsRefusedWhereTheModelKnowsOneType) {
  nlohmann::json config = read_json("model/config.json");
  config["type_vocab_size"] = 1;
  write("model/config.json", config.dump());
  EXPECT_THAT(refusal(), AllOf(HasSubstr("train.csv:2: the tokenizer gives the second text type 1"),
                               HasSubstr("\"type_vocab_size\" of")));
  config["model_type"] = "roberta";
  write("model/config.json", config.dump());
  EXPECT_EQ(refusal(), "none") << "the architecture's own tokenizer gives every token type 0";
  config["model_type"] = "bert";
  write("model/config.json", config.dump());
  task_.text = {{"a", -1}};
  EXPECT_EQ(refusal(), "none") << "one text has one type";
}

TEST_F(Tokens, ARowWithoutAnyTokenIsNamedByFileAndLine) {
  nlohmann::json tokenizer = read_json("model/tokenizer.json");
  tokenizer["post_processor"] = nullptr;
  write("model/tokenizer.json", tokenizer.dump());
  inspect_again();
  task_.text = {{"b", -1}};
  EXPECT_THAT(refusal(), HasSubstr("train.csv:3: the row has no token"));
}

TEST_F(Tokens, ARowThatHoldsATokenBeyondTheTableIsNamed) {
  write("model/tokenizer_config.json", R"({"extra_special_tokens": ["<url>"]})");
  inspect_again();
  EXPECT_EQ(refusal(), "none") << "no row uses it";
  write("test.csv", "a,b,label\na,see <url>,y\n");
  task_.data_sha256 = inspect_task(task_).data_sha256;
  EXPECT_THAT(refusal(), AllOf(HasSubstr("test.csv:2: holds a token that the model has no embedding of"),
                               HasSubstr("1 of its tokens lies beyond the model's table of 64: \"<url>\"")));
}

/// What becomes of a tokenizer.json, and what is said.
struct Changed {
  nlohmann::json tokenizer;
  std::vector<std::string> changes, notes;
};
Changed changed(const nlohmann::json& config, nlohmann::json tokenizer) {
  Changed found;
  found.changes = change_tokenizer({config, {}}, tokenizer, found.notes);
  found.tokenizer = std::move(tokenizer);
  return found;
}

TEST(TokenizerChanges, ASpaceBeforeTheTextIsPutWhereTheStageStands) {
  const nlohmann::json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  const Changed alone = changed({{"add_prefix_space", true}}, {{"pre_tokenizer", bytes}});
  EXPECT_EQ(alone.tokenizer["pre_tokenizer"]["add_prefix_space"], true);
  EXPECT_THAT(alone.notes, ElementsAre(HasSubstr("\"add_prefix_space\" is true, and tokenizer.json says otherwise")));
  const nlohmann::json sequence = {{"type", "Sequence"}, {"pretokenizers", {{{"type", "Digits"}}, bytes}}};
  const Changed within = changed({{"add_prefix_space", true}}, {{"pre_tokenizer", sequence}});
  EXPECT_EQ(within.tokenizer["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"], true);
  const nlohmann::json meta = {{"type", "Metaspace"}, {"prepend_scheme", "always"}};
  EXPECT_EQ(
      changed({{"add_prefix_space", false}}, {{"pre_tokenizer", meta}}).tokenizer["pre_tokenizer"]["prepend_scheme"],
      "never");
  EXPECT_TRUE(changed({{"add_prefix_space", true}}, {{"pre_tokenizer", meta}}).changes.empty());
}

TEST(TokenizerChanges, TheTokensAroundATextAreReplacedInEveryKindOfPostProcessor) {
  const nlohmann::json vocabulary = {{"<s>", 0}, {"</s>", 2}, {"<cls>", 5}};
  const nlohmann::json roberta = {{"type", "RobertaProcessing"}, {"cls", {"<s>", 0}}, {"sep", {"</s>", 2}}};
  const Changed found = changed({{"cls_token", "<cls>"}, {"sep_token", "</s>"}},
                                {{"post_processor", roberta}, {"model", {{"vocab", vocabulary}}}});
  EXPECT_EQ(found.tokenizer["post_processor"]["cls"], nlohmann::json({"<cls>", 5}));
  EXPECT_EQ(found.tokenizer["post_processor"]["sep"], nlohmann::json({"</s>", 2}));
  const Changed unknown =
      changed({{"cls_token", "<x>"}}, {{"post_processor", roberta}, {"model", {{"vocab", vocabulary}}}});
  EXPECT_EQ(unknown.tokenizer["post_processor"]["cls"], nlohmann::json({"<x>", 3})) << "as transformers adds it";
  EXPECT_THAT(unknown.notes, testing::Contains(HasSubstr("\"cls_token\" has the token \"<x>\"")));
}

TEST(TokenizerChanges, WhatNoNormalizerCouldDoIsSaid) {
  EXPECT_THAT(changed({{"do_lower_case", true}}, {{"normalizer", {{"type", "NFC"}}}}).notes,
              ElementsAre(HasSubstr("\"do_lower_case\" is true, which is not done")));
  EXPECT_TRUE(changed({{"do_lower_case", false}}, {{"normalizer", nullptr}}).notes.empty());
  const nlohmann::json lower = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Lowercase"}}}}};
  EXPECT_TRUE(changed({{"do_lower_case", true}}, {{"normalizer", lower}}).notes.empty());
}

TEST_F(Tokens, ATokenizerThatIsNoneSaysSo) {
  EXPECT_THROW(Tokenizer("{}", 16, "tokenizer.json"), UsageError);
  EXPECT_THROW(Tokenizer("", 16, "tokenizer.json"), UsageError);
}

}  // namespace
}  // namespace peftgrid::worker
