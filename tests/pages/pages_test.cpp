// What the pages on extending say of their own examples, beside the contract and the golden cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/tiny_model.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/plan/method_plan.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Pages, QuoteTheReferenceAsItIs) {
  const fs::path source = PEFTGRID_SOURCE;
  const std::string page = read_text(source / "docs/adding_a_method.md"), fence = "```python ";
  int quoted = 0;
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at), ++quoted) {
    at += fence.size();
    const std::size_t code = page.find('\n', at) + 1, end = page.find("```\n", code);
    const std::string file = page.substr(at, code - 1 - at);
    EXPECT_THAT(read_text(source / file), HasSubstr(page.substr(code, end - code))) << file;
  }
  EXPECT_EQ(quoted, 3);
}

worker::TrialSpec vera(std::int64_t rank) {
  worker::TrialSpec spec;
  spec.method.name = "vera";
  for (const worker::OptionInfo& option : worker::find_method("vera")->options) {
    spec.method.options[option.name] = option.fallback;
  }
  spec.method.options["rank"] = rank;
  spec.backbone.readout = "cls";
  spec.task.labels = {"a", "b"};
  return spec;
}

TEST(VeraOfThePage, TrainsAndStoresAsManyNumbersAsThePaperSays) {
  const auto [architecture, config] = worker::parse_model(
      R"({"model_type": "roberta", "vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12,
          "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 514, "type_vocab_size": 1})",
      "RoBERTa-base");
  const worker::BackboneFacts roberta(*architecture, config, false);
  const worker::ParameterCounts counts = worker::count_trained(vera(1024), roberta);
  EXPECT_EQ(counts.method, 43'008);  // "0.043M" in its table of GLUE
  EXPECT_EQ(counts.stored, 43'008);
}

class ElectraOfThePage : public testing::Test {
 protected:
  ElectraOfThePage() : folder_(fs::path(testing::TempDir()) / ("electra_" + std::to_string(getpid()))) {}
  ~ElectraOfThePage() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(ElectraOfThePage, IsReadWithItsPrefix) {
  const worker::BackboneFacts facts =
      worker::inspect_backbone(write_tiny_model(folder_, {.architecture = "electra", .prefix = true}));
  EXPECT_THAT(facts.ignored_tensors, IsEmpty());
  EXPECT_FALSE(facts.model.pooler);
}

TEST_F(ElectraOfThePage, EmbeddingsOfAnotherWidthAreRefusedByName) {
  write_tiny_model(folder_, {.architecture = "electra", .width = 16});
  const auto message_with = [&](const std::string& embedding) {
    std::string config = read_text(folder_ / "config.json");
    const std::string whole = "\"embedding_size\": 16,";
    config.replace(config.find(whole), whole.size(), embedding);
    try {
      worker::parse_model(config, "config.json");
    } catch (const worker::UsageError& error) {
      return std::string(error.what());
    }
    return std::string("(no error)");
  };
  EXPECT_EQ(message_with("\"embedding_size\": 16,"), "(no error)");
  EXPECT_EQ(message_with("\"embedding_size\": 8,"),
            "config.json: \"embedding_size\" is 8 and \"hidden_size\" 16; this program knows models where they are "
            "equal");
  EXPECT_THAT(message_with(""), HasSubstr("\"embedding_size\" is 128"));
}

}  // namespace
}  // namespace peftgrid::tests
