// What a model's folder states beside its tensors: obeyed, refused, or said with file and key.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors.hpp"
#include "tests/support/tiny_model.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A folder as it is but for some of its files.
class Folders : public testing::Test {
 protected:
  Folders() : root_(fs::path(testing::TempDir()) / ("folders_" + std::to_string(getpid()))), folder_(root_ / "folder") {
    fs::remove_all(root_);
    setenv("XDG_CACHE_HOME", (root_ / "cache").c_str(), 1);
    tests::write_tiny_model(folder_);
  }
  ~Folders() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }
  nlohmann::json read(const std::string& file) {
    std::ifstream in(folder_ / file);
    return nlohmann::json::parse(in);
  }
  void set(const std::string& file, const std::string& key, const nlohmann::json& value) {
    nlohmann::json content = fs::exists(folder_ / file) ? read(file) : nlohmann::json::object();
    content[nlohmann::json::json_pointer(key)] = value;
    write(file, content.dump());
  }
  /// All tensors under other names.
  void rename_tensors(const std::string& prefix) {
    const checkpoint::ShardedTensors before = checkpoint::open_safetensors(folder_);
    std::vector<checkpoint::TensorToWrite> tensors;
    for (const auto& [name, located] : before.tensors) {
      tensors.push_back({prefix + name, located.entry.dtype, located.entry.shape, before.data(located),
                         located.entry.end - located.entry.begin});
    }
    checkpoint::write_safetensors(root_ / "renamed", tensors);
    fs::rename(root_ / "renamed", folder_ / "model.safetensors");
  }
  BackboneFacts facts() { return inspect_backbone(folder_.string()); }
  std::string refusal() {
    try {
      facts();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "none";
  }
  fs::path root_, folder_;
};

TEST_F(Folders, APoolingIsReadInBothFormats) {
  for (const auto& [mode, readout] : std::map<std::string, std::string>{{"mean", "mean"},
                                                                        {"cls", "cls"},
                                                                        {"lasttoken", "last"},
                                                                        {"max", ""},
                                                                        {"weightedmean", ""},
                                                                        {"mean_sqrt_len_tokens", ""}}) {
    write("1_Pooling/config.json", nlohmann::json{{"embedding_dimension", 16}, {"pooling_mode", mode}}.dump());
    EXPECT_EQ(facts().default_readout, readout) << mode;
    EXPECT_EQ(facts().readout_origin, "1_Pooling/config.json");
    nlohmann::json keys = {{"word_embedding_dimension", 16}, {"include_prompt", true}};
    for (const char* key :
         {"mean_tokens", "cls_token", "lasttoken", "max_tokens", "weightedmean_tokens", "mean_sqrt_len_tokens"}) {
      keys[std::string("pooling_mode_") + key] =
          std::string(key).starts_with(mode) && (mode != "mean" || key == std::string("mean_tokens"));
    }
    write("1_Pooling/config.json", keys.dump());
    EXPECT_EQ(facts().default_readout, readout) << mode;
  }
}

TEST_F(Folders, AModeThatTheProgramLacksIsRefusedByName) {
  write("1_Pooling/config.json", R"({"pooling_mode": "max"})");
  EXPECT_THAT(facts().readout_refusal, HasSubstr("1_Pooling/config.json: the pooling is max"));
  write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})");
  EXPECT_THAT(facts().readout_refusal, HasSubstr("asks for mean and cls together"));
  write("1_Pooling/config.json", R"({"pooling_mode": ["mean", "max"]})");
  EXPECT_THAT(facts().readout_refusal, HasSubstr("asks for mean and max together"));
  write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": false})");
  EXPECT_THAT(facts().readout_refusal, HasSubstr("asks for no pooling"));
}

TEST_F(Folders, ModulesNameTheFolderOfThePoolingAndWhatStandsBehindIt) {
  write("1_Pooling/config.json", R"({"pooling_mode": "max"})");
  write("2_Pooling/config.json", R"({"pooling_mode": "cls"})");
  write("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "2_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "3_Dense", "type": "sentence_transformers.models.Dense"}])");
  EXPECT_EQ(facts().default_readout, "cls");
  EXPECT_EQ(facts().readout_origin, "2_Pooling/config.json");
  EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("modules.json: its Dense module is left out")));
  write("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"}])");
  EXPECT_EQ(facts().default_readout, "pooler") << "the list of modules holds, and names no pooling";
}

TEST_F(Folders, AModuleThatPoolsInAWayOfItsOwnIsRefusedUntilAReadoutIsSaid) {
  write("modules.json", R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
                            {"type": "sentence_transformers.models.WeightedLayerPooling", "path": "1_W"}])");
  EXPECT_TRUE(facts().default_readout.empty());
  EXPECT_THAT(facts().readout_refusal,
              HasSubstr("modules.json: pools by its WeightedLayerPooling, which is not to be had here"));
}

TEST_F(Folders, APromptBeforeEveryTextIsSaid) {
  write("config_sentence_transformers.json", R"({"prompts": {"query": "query: "}, "default_prompt_name": null})");
  EXPECT_TRUE(facts().notes.empty());
  write("config_sentence_transformers.json", R"({"prompts": {"query": "query: "}, "default_prompt_name": "query"})");
  EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("\"default_prompt_name\" is \"query\"")));
}

TEST_F(Folders, KeysOfAConfigThatMakeAnotherModelAreRefused) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"is_decoder", true},
                                                           {"add_cross_attention", true},
                                                           {"pruned_heads", {{"0", {1}}}},
                                                           {"quantization_config", {{"bits", 4}}},
                                                           {"position_embedding_type", "relative_key_query"},
                                                           {"hidden_act", "mish"},
                                                           {"is_decoder", "yes"}}) {
    const std::string before = read("config.json").dump();
    set("config.json", "/" + key, value);
    EXPECT_THAT(refusal(), HasSubstr("config.json: \"" + key + "\"")) << key;
    write("config.json", before);
  }
}

TEST_F(Folders, KeysOfAConfigThatAreNotObeyedAreSaid) {
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{{"torch_dtype", "float16"},
                                                                        {"dtype", "bfloat16"},
                                                                        {"initializer_range", 0.1},
                                                                        {"problem_type", "regression"},
                                                                        {"auto_map", {{"AutoModel", "own.Model"}}}}) {
    const std::string before = read("config.json").dump();
    set("config.json", "/" + key, value);
    EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("config.json: \"" + key + "\""))) << key;
    write("config.json", before);
  }
}

TEST_F(Folders, KeysOfAConfigThatChangeNoNumberMakeNoNoise) {
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"torch_dtype", "float32"},
                                             {"is_decoder", false},
                                             {"initializer_range", 0.02},
                                             {"use_cache", false},
                                             {"chunk_size_feed_forward", 4},
                                             {"transformers_version", "4.8"},
                                             {"classifier_dropout", nullptr},
                                             {"id2label", {{"0", "LABEL_0"}, {"1", "LABEL_1"}}},
                                             {"pruned_heads", nlohmann::json::object()}}) {
    set("config.json", "/" + key, value);
  }
  EXPECT_TRUE(facts().notes.empty()) << facts().notes.front();
}

TEST_F(Folders, AHeadThatOrdersTheClassesOtherwiseIsSaid) {
  TaskSpec task;
  task.name = "films";
  task.labels = {"negative", "positive"};
  set("config.json", "/id2label", {{"0", "NEGATIVE"}, {"1", "POSITIVE"}});
  EXPECT_EQ(unlike_label_order(facts(), task), std::nullopt);
  set("config.json", "/id2label", {{"0", "POSITIVE"}, {"1", "NEGATIVE"}});
  EXPECT_THAT(unlike_label_order(facts(), task).value_or(""), HasSubstr("orders the classes POSITIVE and NEGATIVE"));
  task.labels = {"help", "sales"};
  EXPECT_EQ(unlike_label_order(facts(), task), std::nullopt) << "classes of another task";
  set("config.json", "/label2id", {{"NEGATIVE", 0}, {"POSITIVE", 1}});
  EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("contradict each other")));
}

TEST_F(Folders, APrefixThatAWrapperPutBeforeAllNamesIsTakenOff) {
  const std::int64_t parameters = facts().model.parameters();
  for (const char* prefix : {"module.", "0.auto_model.", "model.", "module.bert.", "_orig_mod.module.bert."}) {
    rename_tensors(prefix);
    EXPECT_EQ(facts().model.parameters(), parameters);
    EXPECT_TRUE(facts().model.pooler) << prefix;
    EXPECT_TRUE(facts().ignored_tensors.empty()) << prefix;
  }
}

TEST_F(Folders, NamesOfAnotherKindAreShown) {
  rename_tensors("net/");
  EXPECT_THAT(refusal(), HasSubstr("the file's names look like \"net/embeddings.LayerNorm.bias\", "));
}

TEST_F(Folders, AMissingModelTypeIsAnsweredWithWhatToWrite) {
  nlohmann::json config = read("config.json");
  config.erase("model_type");
  for (const auto& [name, type] : std::map<std::string, std::string>{{"BertForMaskedLM", "bert"},
                                                                     {"XLMRobertaModel", "xlm-roberta"},
                                                                     {"RobertaModel", "roberta"},
                                                                     {"DistilBertModel", "distilbert"}}) {
    config["architectures"] = {name};
    write("config.json", config.dump());
    EXPECT_THAT(refusal(), HasSubstr("so add \"model_type\": \"" + type + "\"")) << name;
  }
  config["architectures"] = nullptr;
  write("config.json", config.dump());
  EXPECT_THAT(refusal(), HasSubstr("add it, with what the weights are of; known: bert"));
}

TEST_F(Folders, ATokenizersSideAndBoundsAreRead) {
  EXPECT_EQ(facts().truncation_side, "right");
  EXPECT_EQ(facts().truncation_origin, "default");
  const std::string plain = facts().tokenizer_sha256;
  set("tokenizer_config.json", "/truncation_side", "left");
  set("tokenizer_config.json", "/model_max_length", 32);
  EXPECT_EQ(facts().truncation_side, "left");
  EXPECT_EQ(facts().truncation_origin, "tokenizer_config.json");
  EXPECT_EQ(facts().longest_row, 32);
  EXPECT_EQ(facts().tokenizer_sha256, plain) << "the side has a place of its own in ids";
  set("tokenizer.json", "/truncation",
      {{"direction", "Right"}, {"max_length", 8}, {"strategy", "LongestFirst"}, {"stride", 0}});
  EXPECT_EQ(facts().truncation_side, "left") << "an explicit key wins";
  EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("tokenizer.json's direction right; the former holds")));
  fs::remove(folder_ / "tokenizer_config.json");
  set("tokenizer.json", "/truncation/direction", "Left");
  EXPECT_EQ(facts().truncation_side, "left");
  EXPECT_EQ(facts().truncation_origin, "tokenizer.json");
}

TEST_F(Folders, TheLeastBoundOfARowHolds) {
  set("tokenizer_config.json", "/model_max_length", 64);
  set("sentence_bert_config.json", "/max_seq_length", 32);
  EXPECT_EQ(facts().longest_row, 32);
  EXPECT_EQ(facts().longest_key, "sentence_bert_config.json's \"max_seq_length\"");
  set("sentence_bert_config.json", "/max_seq_length", nullptr);
  set("sentence_bert_config.json", "/do_lower_case", true);
  EXPECT_EQ(facts().longest_key, "tokenizer_config.json's \"model_max_length\"");
  EXPECT_THAT(facts().notes, ElementsAre(HasSubstr("sentence_bert_config.json: \"do_lower_case\" is true")));
}

TEST_F(Folders, TheModelMayLieInAFolderOfItsOwn) {
  fs::create_directories(root_ / "sentences/1_Pooling");
  fs::rename(folder_, root_ / "sentences/0_Transformer");
  folder_ = root_ / "sentences";
  write("1_Pooling/config.json", R"({"pooling_mode": "cls"})");
  write("modules.json", R"([{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  EXPECT_THAT(refusal(), HasSubstr("config.json: no such file; the folder's model lies in 0_Transformer: name that"));
  folder_ /= "0_Transformer";
  EXPECT_EQ(facts().default_readout, "cls");
  EXPECT_EQ(facts().readout_origin, "../1_Pooling/config.json");
}

TEST_F(Folders, ATokenizerConfigThatAgreesChangesNothing) {
  const std::string plain = facts().tokenizer_sha256;
  write("tokenizer_config.json", R"({"do_lower_case": true, "strip_accents": null, "tokenize_chinese_chars": true,
    "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": {"content": "[UNK]", "lstrip": false},
    "mask_token": "[MASK]", "model_max_length": 1000000000000000019884624838656, "padding_side": "right",
    "added_tokens_decoder": {"0": {"content": "[PAD]", "lstrip": false, "normalized": false, "special": true}},
    "model_input_names": ["input_ids", "token_type_ids", "attention_mask"], "tokenizer_class": "BertTokenizer"})");
  EXPECT_EQ(facts().tokenizer_sha256, plain);
  EXPECT_TRUE(facts().notes.empty()) << facts().notes.front();
  EXPECT_EQ(facts().longest_row, 0);
}

TEST_F(Folders, ASpecialTokensMapHoldsOverATokenizerConfigThatListsNoAddedTokens) {
  const std::string untouched = facts().tokenizer_sha256;
  write("special_tokens_map.json", R"({"cls_token": "[SEP]"})");
  const BackboneFacts found = facts();
  EXPECT_NE(found.tokenizer_sha256, untouched);
  EXPECT_THAT(found.notes, testing::Contains(HasSubstr("special_tokens_map.json: \"cls_token\" is \"[SEP]\", and "
                                                       "tokenizer.json says otherwise; the former holds")));
  write("tokenizer_config.json", R"({"cls_token": "[CLS]"})");
  EXPECT_EQ(facts().tokenizer_sha256, found.tokenizer_sha256);
  EXPECT_THAT(facts().notes,
              testing::Contains(HasSubstr("and tokenizer_config.json says otherwise; the former holds")));
  write("tokenizer_config.json", R"({"cls_token": "[CLS]", "added_tokens_decoder": {}})");
  EXPECT_EQ(facts().tokenizer_sha256, untouched);
  write("special_tokens_map.json", "[]");
  EXPECT_THAT(refusal(), HasSubstr("special_tokens_map.json"));
}

TEST_F(Folders, AnAddedTokensFileThatTokenizerJsonDoesNotFollowIsSaid) {
  write("added_tokens.json", R"({"<url>": 64})");
  EXPECT_THAT(facts().notes,
              testing::Contains(HasSubstr("added_tokens.json: the token \"<url>\" is not in tokenizer.json")));
}

TEST_F(Folders, KeysOfTokensAtTheEndsThatTokenizerJsonDoesNotFollowAreSaid) {
  write("tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true})");  // [CLS] and [SEP] are added
  EXPECT_THAT(facts().notes,
              ElementsAre(HasSubstr("\"add_bos_token\" is false, and tokenizer.json puts a token before a text")));
}

TEST_F(Folders, AnAdapterBesideTheWeightsIsSaid) {
  write("adapter_config.json", R"({"peft_type": "LORA"})");
  EXPECT_THAT(facts().notes, testing::Contains(HasSubstr("adapter_config.json: peft's adapter beside the weights")));
}

TEST_F(Folders, AFlagThatIsNeitherTrueNorFalseIsRefused) {
  write("tokenizer_config.json", R"({"do_lower_case": "false"})");
  EXPECT_THAT(refusal(),
              HasSubstr("tokenizer_config.json: \"do_lower_case\" is \"false\"; true or false would be right"));
  fs::remove(folder_ / "tokenizer_config.json");
  write("sentence_bert_config.json", R"({"do_lower_case": "yes"})");
  EXPECT_THAT(refusal(), HasSubstr("sentence_bert_config.json: \"do_lower_case\" is \"yes\""));
}

TEST_F(Folders, TokensBeyondTheTableAreCountedAndTheFirstAreNamed) {
  nlohmann::json tokenizer = read("tokenizer.json");
  for (const char* token : {"<a>", "<b>", "<c>", "<d>"}) {
    const auto id = static_cast<std::int64_t>(64 + tokenizer["added_tokens"].size());
    tokenizer["added_tokens"].push_back(tests::added_token(id, token));
  }
  write("tokenizer.json", tokenizer.dump());
  EXPECT_THAT(
      facts().notes,
      ElementsAre("tokenizer.json: 4 of its tokens lie beyond the model's table of 64: \"<a>\", \"<b>\", \"<c>\" "
                  "and 1 more; rows that hold one are refused"));
}

}  // namespace
}  // namespace peftgrid::worker
