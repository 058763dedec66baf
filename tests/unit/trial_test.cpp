#include "worker/trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace peftgrid::worker {
namespace {

TrialSpec example() {
  TrialSpec spec;
  spec.id = "0123456789abcdef";
  spec.cell = "fedcba9876543210";
  spec.label = "lora rank=4";
  spec.backbone = {"minilm", "/models/minilm", "bert", "mean", std::string(64, 'a'), std::string(64, 'b')};
  spec.task.name = "tickets \"ü\"";
  spec.task.format = "csv";
  spec.task.train = "/data/train.csv";
  spec.task.tests = {{"test", "/data/test.csv"}, {"other", "/data/other.csv"}};
  spec.task.text = {{"title", -1}, {"", 3}};
  spec.task.label = {"queue", -1};
  spec.task.labels = {"a", "b"};
  spec.task.metrics = {"macro_f1", "accuracy"};
  spec.task.data_sha256 = std::string(64, 'c');
  spec.method = {"lora",
                 {{"rank", std::int64_t{4}},
                  {"alpha", 16.0},
                  {"targets", std::vector<std::string>{"query"}},
                  {"scaling", std::string("rank")},
                  {"b_rate_ratio", 1.0},
                  {"init", std::string("random")},
                  {"pairs", std::string("separate")}}};
  spec.train_size = 100;
  spec.seed = 3;
  spec.data_seed = 18'446'744'073'709'551'615ULL;
  spec.training.learning_rate = 0.1 + 0.2;
  return spec;
}

TEST(Trial, JsonReadsBackTheSame) {
  const TrialSpec spec = example();
  EXPECT_EQ(trial_from_json(to_json(spec)), spec);
  EXPECT_EQ(to_json(trial_from_json(to_json(spec))), to_json(spec));
}

TEST(Trial, AnOptionKeepsItsType) {
  const TrialSpec back = trial_from_json(to_json(example()));
  EXPECT_TRUE(std::holds_alternative<double>(back.method.options.at("alpha")));
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(back.method.options.at("rank")));
}

TEST(Trial, BrokenJsonNamesTheKey) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      trial_from_json(text);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read without an error";
  };
  std::string text = to_json(example());
  EXPECT_EQ(message("{"), "trial spec: not JSON");
  EXPECT_EQ(message("{}"), "trial spec: key \"id\" is missing");
  EXPECT_EQ(message("[]"), "trial spec: \"\" is not an object");
  text.replace(text.find("\"batch_size\":16"), 15, "\"batch_size\":\"x\"");
  EXPECT_EQ(message(text), "trial spec: key \"training.batch_size\" is not an integer");
}

TEST(Trial, TheIdIgnoresWhatCannotChangeNumbers) {
  const std::vector<std::function<void(TrialSpec&)>> changes = {
      [](TrialSpec& s) { s.id = s.cell = ""; },
      [](TrialSpec& s) { s.label = "other"; },
      [](TrialSpec& s) { s.keep = "none"; },
      [](TrialSpec& s) { s.logits = true; },
      [](TrialSpec& s) { s.backbone.name = s.backbone.path = "other"; },
      [](TrialSpec& s) { s.task.train = s.task.validation = s.task.tests[0].path = "/elsewhere"; },
  };
  for (const auto& change : changes) {
    TrialSpec changed = example();
    change(changed);
    EXPECT_EQ(trial_id(changed), trial_id(example()));
    EXPECT_EQ(cell_id(changed), cell_id(example()));
  }
}

TEST(Trial, TheIdHoldsEverythingThatCanChangeNumbers) {
  const std::vector<std::function<void(TrialSpec&)>> changes = {
      [](TrialSpec& s) { s.backbone.weights_sha256[0] = 'f'; },
      [](TrialSpec& s) { s.backbone.tokenizer_sha256[0] = 'f'; },
      [](TrialSpec& s) { s.backbone.readout = "cls"; },
      [](TrialSpec& s) { s.backbone.truncation_side = "left"; },
      [](TrialSpec& s) { s.task.delimiter = ";"; },
      [](TrialSpec& s) { s.task.name = "other"; },
      [](TrialSpec& s) { s.task.data_sha256[0] = 'f'; },
      [](TrialSpec& s) { std::swap(s.task.labels[0], s.task.labels[1]); },
      [](TrialSpec& s) { s.task.text.pop_back(); },
      [](TrialSpec& s) { s.task.metrics = {"accuracy"}; },
      [](TrialSpec& s) { s.method.options["rank"] = std::int64_t{8}; },
      [](TrialSpec& s) { s.method.name = "bitfit"; },
      [](TrialSpec& s) { s.train_size = 0; },
      [](TrialSpec& s) { s.training.epsilon = 1e-6; },
      [](TrialSpec& s) { s.training.dropout = 0; },
      [](TrialSpec& s) { s.selection.from = "none"; },
      [](TrialSpec& s) { s.precision = "bf16"; },
      [](TrialSpec& s) { s.width = 2; },
      [](TrialSpec& s) { s.device = "cuda"; },
      [](TrialSpec& s) { s.threads = 2; },
  };
  std::set<std::string> cells = {cell_id(example())}, trials = {trial_id(example())};
  for (const auto& change : changes) {
    TrialSpec changed = example();
    change(changed);
    EXPECT_TRUE(cells.insert(cell_id(changed)).second);
    EXPECT_TRUE(trials.insert(trial_id(changed)).second);
  }
}

TrialSpec regression() {
  TrialSpec spec = example();
  spec.task.kind = "regression";
  spec.task.labels.clear();
  spec.task.metrics = {"spearman", "pearson"};
  return spec;
}

// A choice of targets that came later left these ids alone.
TEST(Trial, RawTargetsAndClassificationsKeepTheIdsThatTheyHadBeforeThereWasAChoice) {
  TrialSpec raw = regression();
  raw.task.targets = "raw";
  EXPECT_EQ(trial_id(raw), "49faac53307e15c2");
  EXPECT_EQ(cell_id(raw), "03707e980a27a334");
  EXPECT_EQ(trial_id(example()), "2f15571a60914b17");
}

TEST(Trial, StandardizedTargetsMakeAnotherTrial) {
  TrialSpec standardized = regression();
  standardized.task.targets = "standardized";
  EXPECT_NE(trial_id(standardized), trial_id(regression()));
  EXPECT_NE(cell_id(standardized), cell_id(regression()));
  EXPECT_EQ(trial_from_json(to_json(standardized)), standardized);
}

TEST(Trial, AStoredSpecThatNamesNoTargetsHadRawOnes) {
  const std::string text = to_json(regression());
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("targets\":\"raw")));
  EXPECT_EQ(trial_from_json(text).task.targets, "raw");
}

TEST(Trial, ASideAndADelimiterAreStoredWhereTheyAreNotWhatTheyOnceWere) {
  EXPECT_THAT(to_json(example()),
              testing::Not(testing::AnyOf(testing::HasSubstr("truncation_side"), testing::HasSubstr("delimiter"))));
  TrialSpec other = example();
  other.backbone.truncation_side = "left";
  other.task.delimiter = "\t";
  EXPECT_EQ(trial_from_json(to_json(other)), other);
  EXPECT_EQ(trial_from_json(to_json(example())).backbone.truncation_side, "right");
}

TEST(Trial, SeedsMakeTrialsOfOneCell) {
  TrialSpec other = example();
  other.seed = 4;
  EXPECT_EQ(cell_id(other), cell_id(example()));
  EXPECT_NE(trial_id(other), trial_id(example()));
  other = example();
  other.data_seed = 4;
  EXPECT_EQ(cell_id(other), cell_id(example()));
  EXPECT_NE(trial_id(other), trial_id(example()));
  EXPECT_EQ(trial_id(example()).size(), 16U);
}

}  // namespace
}  // namespace peftgrid::worker
