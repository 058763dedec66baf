// Trained vectors in front of the text.
#include "tests/contract/subjects.hpp"

namespace peftgrid::tests {
namespace {

/// Of a text; those of the tiny models' tokenizer are its characters.
worker::MethodSpec prompt_of(const std::string& text, std::int64_t length, const std::string& readout_at = "text") {
  worker::MethodSpec method = small_method("prompt");
  method.options["length"] = length;
  method.options["init"] = std::string("text");
  method.options["text"] = text;
  method.options["readout_at"] = readout_at;
  return method;
}

std::vector<float> start_of(const worker::MethodSpec& method) {
  return values_of(network_on(subjects()[0], method, 1, 0).method_parameters().at(0).tensor);
}

TEST(Prompts, StartAsATextsTokensRepeatedOrCutToTheirLength) {
  const auto vectors_of = [&](const std::string& text) {
    return start_of(prompt_of(text, static_cast<std::int64_t>(text.size())));
  };
  EXPECT_NE(vectors_of("01"), vectors_of("10"));
  EXPECT_EQ(start_of(prompt_of("01", 5)), vectors_of("01010"));
  EXPECT_EQ(start_of(prompt_of("0123", 3)), vectors_of("012"));
}

TEST(Prompts, OfATextWithoutTokensFailTheirTrialAlone) {
  EXPECT_THROW(network_on(subjects()[0], prompt_of("", 3)), worker::TrialError);
}

/// A prompt that starts as a word is that word in front of the text: it is read there, or the text's first token is.
TEST(Prompts, AreReadAtTheirFirstVectorOrTheTextsFirstToken) {
  std::vector<TestRow> rows = some_rows(5), longer = rows;
  for (TestRow& row : longer) {
    row.ids.insert(row.ids.begin(), '7');
    row.types.insert(row.types.begin(), 0);
  }
  for (const Subject& subject : subjects()) {
    if (subject.readout != "pooler" && subject.readout != "cls") continue;
    SCOPED_TRACE(subject.name);
    Network bare = network_on(subject, small_method("head"), 1, 0);
    const std::vector<float> written = values_of(bare.representation(longer));
    const auto read = [&](const char* at) {
      return values_of(network_on(subject, prompt_of("7", 1, at), 1, 0).representation(rows));
    };
    EXPECT_LE(relative_difference(read("first"), written), 1e-6);
    EXPECT_GT(relative_difference(read("text"), written), 1e-2);
  }
}

}  // namespace
}  // namespace peftgrid::tests
