// What users write in a grid, and what a plan tells them of their folders and files.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "tests/support/tiny_model.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A home folder with a tiny model, a table and a grid in it.
class Words : public testing::Test {
 protected:
  Words() : home_(fs::path(testing::TempDir()) / ("words_" + std::to_string(getpid()))) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    setenv("XDG_CACHE_HOME", (home_ / "cache").c_str(), 1);
    setenv("HOME", home_.c_str(), 1);
    tests::write_tiny_model(home_ / "models/tiny");
    write("train.csv", "text,label\nab,x\ncd,y\nef,x\ngh,y\n");
    write("test.csv", "text,label\nij,x\nkl,y\n");
    fs::current_path(home_);
  }
  ~Words() override {
    fs::current_path(home_.parent_path());
    fs::remove_all(home_);
  }

  void write(const std::string& file, const std::string& text) {
    fs::create_directories((home_ / file).parent_path());
    std::ofstream(home_ / file) << text;
  }
  Grid load(const std::vector<std::string>& set = {}) {
    write("grid.yaml",
          "backbones: [models/tiny]\n"
          "tasks: [{name: own, train: train.csv, test: test.csv, text: text, label: label}]\n"
          "methods: [head]\nseeds: 1\nselection: none\ntraining: {max_length: 16}\n");
    Overrides overrides;
    overrides.set = set;
    return load_grid("grid.yaml", overrides);
  }
  static std::string resolved(const Grid& grid, const std::string& key) {
    for (const Resolved& line : grid.resolved) {
      if (line.key == key) return line.value + " from " + line.origin;
    }
    return "";
  }

  fs::path home_;
};

TEST_F(Words, ATildeIsTheHomeFolder) {
  const Grid grid = load({"backbones=[~/models/tiny]", "tasks.0.train=~/train.csv"});
  EXPECT_EQ(grid.trials[0].backbone.path, (home_ / "models/tiny").string());
  EXPECT_EQ(grid.trials[0].task.train, (home_ / "train.csv").string());
}

TEST_F(Words, AFileOfWeightsStandsForItsFolder) {
  const Grid grid = load({"backbones=[models/tiny/model.safetensors]"});
  EXPECT_EQ(grid.trials[0].backbone.path, (home_ / "models/tiny").string());
  EXPECT_EQ(grid.trials[0].backbone.name, "tiny");
}

TEST_F(Words, TheGridMayStandWithoutItsOption) {
  std::string grid;
  settle_grid("run", {"grid.yaml"}, grid);
  EXPECT_EQ(grid, "grid.yaml");
  EXPECT_THROW(settle_grid("run", {"other.yaml"}, grid), worker::UsageError) << "two grids";
  load();
  testing::internal::CaptureStdout();
  EXPECT_EQ(plan_command({"grid.yaml"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("1 to run"));
}

TEST_F(Words, ARunFolderThatIsALinkToNothingIsSaid) {
  fs::create_symlink("elsewhere", "run");
  try {
    make_folder(fs::path("run") / "trials");
    FAIL() << "was made";
  } catch (const checkpoint::FileError& error) {
    EXPECT_STREQ(error.what(), "run: is a link to elsewhere, and nothing is there; name another run folder with --out");
  }
}

TEST_F(Words, GlueIsItsTasksButOne) {
  for (const char* task : {"SST-2", "MRPC", "STS-B", "QQP", "QNLI", "RTE"}) {
    const std::string head =
        "sentence\tlabel\tQuality\t#1 String\t#2 String\tsentence1\tsentence2\tscore\tquestion1\t"
        "question2\tis_duplicate\tquestion\n";
    const bool named = std::string(task) == "QNLI" || std::string(task) == "RTE";
    const auto row = [&](int label) {
      const std::string name = named ? (label == 0 ? "entailment" : "not_entailment") : std::to_string(label);
      const std::string number = std::to_string(label);
      return "a\t" + name + "\t" + number + "\ta\tb\ta\tb\t" + number + "\ta\tb\t" + number + "\ta\n";
    };
    for (const char* file : {"train.tsv", "dev.tsv"})
      write(std::string("glue/") + task + "/" + file, head + row(0) + row(1));
  }
  for (const char* file : {"train.tsv", "dev.tsv"}) write(std::string("glue/CoLA/") + file, "g\t0\t\ta\ng\t1\t\tb\n");
  for (const char* file : {"train.tsv", "dev_matched.tsv", "dev_mismatched.tsv"}) {
    write(std::string("glue/MNLI/") + file, "sentence1\tsentence2\tgold_label\na\tb\tneutral\na\tb\tentailment\n");
  }
  std::vector<std::string> names;
  for (const worker::TrialSpec& trial : load({"tasks=glue", "data=glue"}).trials) names.push_back(trial.task.name);
  EXPECT_THAT(names, ElementsAre("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte"));
}

TEST_F(Words, QuotesAndDelimitersOfTablesAreAsTheGridSays) {
  const std::string plain = load().trials[0].id;
  EXPECT_EQ(load({"tasks.0.delimiter=\",\"", "tasks.0.quotes=true"}).trials[0].id, plain) << "as they were";
  write("train.tsv", "\"text\"\t\"label\"\n\"a \"\"b\"\"\"\tx\n\"c\nd\"\ty\n");
  const Grid quoted = load({"tasks.0.train=train.tsv", "tasks.0.test=train.tsv", "tasks.0.quotes=true"});
  EXPECT_EQ(quoted.tasks.at("own").train_rows, 2);
  EXPECT_EQ(quoted.trials[0].task.delimiter, "\t");
  write("train.csv", "text;label\nab,c;x\ncd;y\n");
  const Grid semicolons = load({"tasks.0.test=train.csv", "tasks.0.delimiter=;"});
  EXPECT_EQ(semicolons.tasks.at("own").train_rows, 2);
  EXPECT_NE(semicolons.trials[0].id, plain);
}

TEST_F(Words, APlanNamesWhereAReadoutAndASideCameFrom) {
  const Grid plain = load();
  EXPECT_EQ(resolved(plain, "backbones.tiny.readout"), "pooler from default");
  EXPECT_EQ(resolved(plain, "backbones.tiny.truncation_side"), "right from default");
  write("models/tiny/1_Pooling/config.json", R"({"pooling_mode": "mean", "include_prompt": true})");
  write("models/tiny/tokenizer_config.json", R"({"truncation_side": "left"})");
  const Grid stated = load();
  EXPECT_EQ(resolved(stated, "backbones.tiny.readout"), "mean from 1_Pooling/config.json");
  EXPECT_EQ(resolved(stated, "backbones.tiny.truncation_side"), "left from tokenizer_config.json");
  EXPECT_NE(stated.trials[0].id, plain.trials[0].id);
  const Grid overridden = load({"backbones=[{path: models/tiny, readout: pooler, truncation_side: right}]"});
  EXPECT_EQ(resolved(overridden, "backbones.tiny.truncation_side"), "right from --set");
  EXPECT_EQ(overridden.trials[0].id, plain.trials[0].id) << "what is as it was keeps its id";
}

TEST_F(Words, APoolingThatIsNotToBeHadAsksForAReadout) {
  write("models/tiny/1_Pooling/config.json", R"({"pooling_mode": "max"})");
  EXPECT_THROW(load(), worker::UsageError);
  EXPECT_EQ(load({"backbones=[{path: models/tiny, readout: mean}]"}).trials[0].backbone.readout, "mean");
}

TEST_F(Words, APlanCountsRowsThatAreCutAndRowsWithoutAWord) {
  EXPECT_THAT(load().notes, IsEmpty());
  write("train.csv", "text,label\nabcdefgh,x\ncd,y\n\"\",x\n");
  EXPECT_THAT(
      load({"training.max_length=6"}).notes,
      ElementsAre("own on tiny: 1 of 3 training rows have more than 6 tokens (`max_length`), and are cut on the right",
                  "own on tiny: 1 of 3 training rows have no token of their own text, only special ones; the first "
                  "is " +
                      (home_ / "train.csv").string() + ":4"));
  write("models/tiny/tokenizer_config.json", R"({"truncation_side": "left", "model_max_length": 4})");
  EXPECT_THAT(load({"training.max_length=6"}).notes,
              testing::Contains(HasSubstr("have more than 6 tokens (`max_length`), and are cut on the left")));
  EXPECT_THAT(load({"training.max_length=6"}).notes,
              testing::Contains(HasSubstr("\"model_max_length\" 4; the former holds")));
}

TEST_F(Words, RowsThatAreTrainedOnAndTestedAreNoted) {
  write("test.csv", "text,label\nij,x\ncd,y\n");
  EXPECT_THAT(load().notes,
              ElementsAre("own on tiny: 1 of 2 test rows stand in the training file, too; a score on them "
                          "tells how well they are remembered"));
}

TEST_F(Words, AWarmupThatLeavesNothingIsAWarning) {
  EXPECT_THAT(load({"training.epochs=1"}).warnings,
              ElementsAre(HasSubstr("own, 4 rows: a warm-up (`warmup: 0.06`) begins with the rate 0, which the only "
                                    "step has, so nothing is trained")));
  EXPECT_THAT(load({"training.epochs=3", "training.warmup=500"}).warnings,
              ElementsAre(HasSubstr("takes all of the 3 steps, and the rate never reaches learning_rate")));
  EXPECT_THAT(load({"training.epochs=1", "training.warmup=0"}).warnings, IsEmpty());
}

TEST_F(Words, PartsThatTheBackboneLacksAreNotedOrAHole) {
  EXPECT_THAT(load({"methods=[{lora: {targets: [query, ffn_gate]}}]"}).notes,
              ElementsAre(HasSubstr("names ffn_gate, which the backbone has not; the rest is trained")));
  for (const char* method : {"lora: {targets: ffn_gate}", "dora: {targets: ffn_gate}", "bitfit: {biases: ffn_gate}"}) {
    const Grid grid = load({std::string("methods=[head, {") + method + "}]"});
    ASSERT_EQ(grid.holes.size(), 1U) << method;
    EXPECT_THAT(grid.holes[0].reason, HasSubstr("the backbone has no ")) << method;
  }
}

TEST_F(Words, AnOptionThatChangesNothingOfThisBackboneMakesNoSecondTrial) {
  const Grid grid = load({"methods=[full, {full: {pretrained_layers: 2}}, {full: {pretrained_layers: 1}}]"});
  EXPECT_EQ(grid.trials.size(), 2U);
  ASSERT_EQ(grid.holes.size(), 1U);
  EXPECT_THAT(grid.holes[0].reason, HasSubstr("pretrained_layers: 2 changes nothing here"));
}

TEST_F(Words, ASeedMayBeAsLargeAsIsSaid) {
  EXPECT_EQ(load({"seeds=[9223372036854775807]"}).trials[0].seed, 9223372036854775807U);
}

TEST_F(Words, AReadoutOfASpecialTokenNeedsATokenizerThatSetsIt) {
  std::ifstream in("models/tiny/tokenizer.json");
  nlohmann::json tokenizer = nlohmann::json::parse(in);
  tokenizer["post_processor"] = nullptr;
  write("models/tiny/tokenizer.json", tokenizer.dump());
  EXPECT_THROW(load(), worker::UsageError) << "the pooler reads a first token that is none of the tokenizer's";
  EXPECT_THAT(load({"backbones=[{path: models/tiny, readout: mean}]"}).notes, IsEmpty());
  EXPECT_THAT(load({"backbones=[{path: models/tiny, readout: last}]"}).notes,
              ElementsAre(HasSubstr("puts no token behind a text; the readout last reads a row's last word")));
}

TEST_F(Words, APlanShowsItsNotes) {
  write("models/tiny/tokenizer_config.json", R"({"do_lower_case": false})");
  load();
  testing::internal::CaptureStdout();
  EXPECT_EQ(plan_command({"--grid", "grid.yaml"}), 0);
  EXPECT_THAT(
      testing::internal::GetCapturedStdout(),
      HasSubstr("Notes\n  tiny: tokenizer_config.json: \"do_lower_case\" is false, and tokenizer.json says otherwise"));
}

TEST_F(Words, SelectionRowsOfOneLabelAreAWarning) {
  write("train.csv", "text,label\nab,x\ncd,x\nef,x\ngh,x\nij,x\nkl,y\n");
  EXPECT_THAT(
      load({"selection={rows: 3}", "seeds=12"}).warnings,
      testing::Contains(testing::ContainsRegex("^own: all 3 selection rows of data seed [0-9]+ have one label")));
}

}  // namespace
}  // namespace peftgrid::orchestrator
