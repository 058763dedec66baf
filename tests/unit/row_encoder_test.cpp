// How a task's rows become tokens: templates, choices, inserted tokens. By the tiny tokenizer, whose tokens are
// letters.
#include "worker/tasks/row_encoder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/tiny_model.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/template.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Ids = std::vector<std::int32_t>;

TEST(Template, NamesEachSlotOnce) {
  EXPECT_THAT(Template("{b} and {a}, {b}").slots(), ElementsAre("b", "a"));
}

TEST(Template, TakesDoubledBracesAsBraces) {
  const Template literal("{{{a}}}");
  EXPECT_THAT(literal.slots(), ElementsAre("a"));
  EXPECT_EQ(literal.render(std::vector<std::string>{"x"}).text, "{x}");
}

TEST(Template, SaysWhereASlotsTextStands) {
  const Template::Rendered rendered = Template("Q: {q} A: {answer}").render(std::vector<std::string>{"why", "so"});
  EXPECT_EQ(rendered.text, "Q: why A: so");
  EXPECT_EQ(rendered.first[1].begin, 10U);
  EXPECT_EQ(rendered.first[1].end, 12U);
}

TEST(Template, RefusesABraceThatIsNoSlot) {
  for (const char* text : {"{", "}", "{a", "{}", "a } b", "{a {b}}"}) EXPECT_THROW(Template{text}, UsageError) << text;
}

class RowEncoding : public testing::Test {
 protected:
  RowEncoding() : folder_(fs::path(testing::TempDir()) / ("rows_" + std::to_string(getpid()))) {
    tests::write_tiny_model(folder_);
    std::ifstream in(folder_ / "tokenizer.json");
    json_.assign(std::istreambuf_iterator<char>(in), {});
  }
  ~RowEncoding() override { fs::remove_all(folder_); }

  /// Ids of `text` between [CLS] and [SEP].
  Ids whole(const std::string& text) const { return Tokenizer(json_, 1000, "tiny").encode(text, nullptr).ids; }
  Ids words(const std::string& text) const { return Tokenizer(json_, 1000, "tiny").words(text); }
  EncodedRow encoded(const TaskSpec& task, const Example& example, const RowLayout& layout,
                     const std::string& input = kInputPlain) const {
    return make_row_encoder(task, input, json_, "tiny", layout)->encode(example);
  }
  static TaskSpec model(const std::string& prompt) {
    TaskSpec task;
    task.kind = kLanguageModel;
    task.text_template = prompt;
    task.text = {{"q", -1}};
    task.label = {"a", -1};
    return task;
  }
  static TaskSpec choice() {
    TaskSpec task;
    task.kind = kChoice;
    task.text = {{"q", -1}};
    task.choices = {{"one", -1}, {"two", -1}};
    return task;
  }

  fs::path folder_;
  std::string json_;
};

TEST_F(RowEncoding, OfALanguageModelAreTheTokenizersOfTheWholeText) {
  const EncodedRow row = encoded(model("ask {q} say {answer} end"), {{"ab", "cd"}}, {.max_length = 64, .causal = true});
  ASSERT_THAT(row.sequences, SizeIs(1));
  EXPECT_EQ(row.sequences[0].ids, whole("ask ab say cd end"));
}

TEST_F(RowEncoding, PredictTheAnswerAndWhatStandsBehindIt) {
  const EncodedRow row = encoded(model("{q} {answer} z"), {{"ab", "cd"}}, {.max_length = 64, .causal = true});
  // [CLS] a ##b | c ##d z [SEP]
  EXPECT_EQ(row.sequences[0].first_target, 3);
  EXPECT_EQ(row.label, 4);
}

TEST_F(RowEncoding, PredictAllButTheFirstWhereTheLossIsOverAll) {
  TaskSpec task = model("{q} {answer}");
  task.loss = "all";
  const EncodedRow row = encoded(task, {{"ab", "cd"}}, {.max_length = 64, .causal = true});
  EXPECT_EQ(row.sequences[0].first_target, 1);
  EXPECT_EQ(row.label, static_cast<double>(row.sequences[0].ids.size()) - 1);
}

TEST_F(RowEncoding, CutTheLongestColumnAndNeverTheTemplate) {
  const EncodedRow row =
      encoded(model("ask {q} say {answer}"), {{"abcdefghijkl", "mn"}}, {.max_length = 14, .causal = true});
  EXPECT_TRUE(row.truncated);
  EXPECT_EQ(row.sequences[0].ids, whole("ask abcd say mn"));
}

TEST_F(RowEncoding, CutOnTheLeftWhereTheTokenizerDoes) {
  const EncodedRow row =
      encoded(model("{q} {answer}"), {{"abcdefgh", "mn"}}, {.max_length = 8, .cut = Cut::Left, .causal = true});
  EXPECT_EQ(row.sequences[0].ids.size(), 8U);
  EXPECT_EQ(row.sequences[0].ids, whole("efgh mn"));
}

TEST_F(RowEncoding, RefuseATemplateThatIsTooLongByItself) {
  try {
    encoded(model("abcdefghij {q} {answer}"), {{"a", "b"}}, {.max_length = 8, .causal = true});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the template's own words take more than 8 tokens"));
  }
}

TEST_F(RowEncoding, OfAChoiceAreOneSequenceEachBehindTheText) {
  const EncodedRow row = encoded(choice(), {{"ab"}, {"cd", "e"}, 1}, {.max_length = 64, .causal = true});
  ASSERT_THAT(row.sequences, SizeIs(2));
  EXPECT_EQ(row.sequences[0].ids, whole("ab cd"));
  EXPECT_EQ(row.sequences[1].ids, whole("ab e"));
  EXPECT_EQ(row.sequences[0].first_target, 3);
  EXPECT_EQ(row.label, 1);
}

TEST_F(RowEncoding, OfAChoiceOnAnEncoderArePairs) {
  const EncodedRow row = encoded(choice(), {{"ab"}, {"cd", "e"}, 0}, {.max_length = 64});
  const std::string_view second = "cd";
  const Encoded pair = Tokenizer(json_, 64, "tiny").encode("ab", &second);
  EXPECT_EQ(row.sequences[0].ids, pair.ids);
  EXPECT_EQ(row.sequences[0].types, pair.types);
}

TEST_F(RowEncoding, WithInsertedTokensBeginAndEndWithThem) {
  TaskSpec task;
  task.text = {{"q", -1}, {"a", -1}};
  const EncodedRow row = encoded(task, {{"ab", "c"}}, {.max_length = 64, .causal = true}, kInputGpt1);
  Ids right{kStartToken};
  for (const std::int32_t id : words("ab")) right.push_back(id);
  right.push_back(kDelimiterToken);
  for (const std::int32_t id : words("c")) right.push_back(id);
  right.push_back(kExtractToken);
  ASSERT_THAT(row.sequences, SizeIs(1));
  EXPECT_EQ(row.sequences[0].ids, right);
}

TEST_F(RowEncoding, OfASymmetricPairAreBothOrders) {
  TaskSpec task;
  task.text = {{"q", -1}, {"a", -1}};
  task.symmetric = true;
  const EncodedRow one = encoded(task, {{"ab", "c"}}, {.max_length = 64, .causal = true}, kInputGpt1);
  const EncodedRow other = encoded(task, {{"c", "ab"}}, {.max_length = 64, .causal = true}, kInputGpt1);
  ASSERT_THAT(one.sequences, SizeIs(2));
  EXPECT_EQ(one.sequences[0].ids, other.sequences[1].ids);
  EXPECT_EQ(one.sequences[1].ids, other.sequences[0].ids);
}

TEST_F(RowEncoding, WithInsertedTokensCutTheLongerText) {
  TaskSpec task;
  task.text = {{"q", -1}, {"a", -1}};
  const EncodedRow row = encoded(task, {{"abcdef", "gh"}}, {.max_length = 7, .causal = true}, kInputGpt1);
  EXPECT_TRUE(row.truncated);
  Ids right{kStartToken};
  for (const std::int32_t id : words("ab")) right.push_back(id);
  right.push_back(kDelimiterToken);
  for (const std::int32_t id : words("gh")) right.push_back(id);
  right.push_back(kExtractToken);
  EXPECT_EQ(row.sequences[0].ids, right);
}

}  // namespace
}  // namespace peftgrid::worker
