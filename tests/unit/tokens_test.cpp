#include "worker/tasks/tokens.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/tiny_model.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tokenizer/tokenizer.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

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
  const std::string bytes = tokenized_bytes(data, json, 16, "tokenizer.json", "key");
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

TEST_F(Tokens, ATokenizerThatIsNoneSaysSo) {
  EXPECT_THROW(Tokenizer("{}", 16, "tokenizer.json"), UsageError);
  EXPECT_THROW(Tokenizer("", 16, "tokenizer.json"), UsageError);
}

}  // namespace
}  // namespace peftgrid::worker
