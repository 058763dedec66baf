#include "orchestrator/grid/grid.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "checkpoint/trial_file.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid_file.hpp"
#include "tests/support/sample_trials.hpp"
#include "tests/support/tiny_model.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// A tiny model and two tasks: `a` of 12 rows, `b` of 40.
class GridTest : public testing::Test {
 protected:
  GridTest() : root_(fs::path(testing::TempDir()) / ("grid_" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "data");
    setenv("XDG_CACHE_HOME", (root_ / "cache").c_str(), 1);
    tests::write_tiny_model(root_ / "models/tiny");
    write_task("a", 12);
    write_task("b", 40);
  }
  ~GridTest() override { fs::remove_all(root_); }

  void write_task(const std::string& name, int rows) {
    std::string text = "text,label\n";
    for (int i = 0; i < rows; ++i) text += std::string(1, static_cast<char>('a' + i % 26)) + (i % 2 ? ",x\n" : ",y\n");
    std::ofstream(root_ / "data" / (name + ".csv")) << text;
  }
  Grid load(const std::string& changes, const Overrides& overrides = {}) {
    std::string text = "backbones: [models/tiny]\ntasks:\n";
    for (const char* task : {"a", "b"}) {
      const std::string file = std::string("data/") + task + ".csv";
      text +=
          std::string("  - {name: ") + task + ", train: " + file + ", test: " + file + ", text: text, label: label}\n";
    }
    std::ofstream(root_ / "grid.yaml") << text << "training: {max_length: 32}\n" << changes;
    return load_grid((root_ / "grid.yaml").string(), overrides);
  }
  static std::vector<std::string> labels(const Grid& grid) {
    std::vector<std::string> all;
    for (const Cell& cell : grid.cells) {
      if (cell.task == "b") all.push_back(cell.label);
    }
    return all;
  }
  static std::string origin(const Grid& grid, const std::string& key) {
    for (const Resolved& line : grid.resolved) {
      if (line.key == key) return line.value + " from " + line.origin;
    }
    return "";
  }

  fs::path root_;
};

TEST_F(GridTest, TrialsComeInTheGridsOrder) {
  const Grid grid = load("methods: [full, lora]\ntrain_sizes: [4, 6]\nseeds: [3, 5]\nselection: none\n");
  ASSERT_EQ(grid.trials.size(), 16U);
  std::vector<std::string> order;
  for (const worker::TrialSpec& t : grid.trials) {
    order.push_back(t.task.name + "/" + t.label + "/" + std::to_string(t.train_size) + "/" + std::to_string(t.seed));
  }
  EXPECT_THAT(std::vector(order.begin(), order.begin() + 5),
              ElementsAre("a/full/4/3", "a/full/4/5", "a/full/6/3", "a/full/6/5", "a/lora/4/3"));
  EXPECT_EQ(order[8], "b/full/4/3");
  std::set<std::string> ids;
  for (const worker::TrialSpec& t : grid.trials) EXPECT_TRUE(ids.insert(t.id).second);
  EXPECT_EQ(grid.trials[0].data_seed, 3U);
}

TEST_F(GridTest, ASizeThatDoesNotFitATaskIsAHoleThere) {
  const Grid grid = load("methods: [full]\ntrain_sizes: [4, 20]\nseeds: 1\nselection: {rows: 10}\n");
  ASSERT_EQ(grid.holes.size(), 2U);
  EXPECT_EQ(grid.holes[0].task, "a");
  EXPECT_EQ(grid.holes[0].reason, "4 training and 10 selection rows; the task has 12");
  EXPECT_EQ(grid.cells.size(), 2U);
}

TEST_F(GridTest, AMethodThatDoesNotApplyIsAHole) {
  tests::TinyModel options;
  options.pooler = false;
  fs::remove_all(root_ / "models/tiny");
  tests::write_tiny_model(root_ / "models/tiny", options);
  const Grid grid = load("methods: [full, bitfit: {biases: [pooler]}]\ntrain_sizes: [4]\nseeds: 1\nselection: none\n");
  ASSERT_EQ(grid.holes.size(), 2U);
  EXPECT_THAT(grid.holes[0].reason, HasSubstr("no pretrained pooler"));
}

TEST_F(GridTest, LabelsAreNamesAndWhereEqualWhatDiffers) {
  const std::string rest = "\ntrain_sizes: [4]\nseeds: 1\nselection: none\n";
  EXPECT_THAT(labels(load("methods: [full, {lora: {rank: 4}}]" + rest)), ElementsAre("full", "lora"));
  EXPECT_THAT(labels(load("methods: [{lora: {rank: [4, 8], alpha: 16}}, {lora: {name: other, rank: 2}}]" + rest)),
              ElementsAre("lora rank=4", "lora rank=8", "other"));
  EXPECT_THAT(labels(load("methods: [{lora: {targets: [[query], [value, query]]}}]" + rest)),
              ElementsAre("lora targets=query", "lora targets=query+value"));
  EXPECT_THAT(labels(load("methods: [full, {full: {learning_rate: [1e-4, 3e-4]}}]" + rest)),
              ElementsAre("full learning_rate=default", "full learning_rate=0.0001", "full learning_rate=0.0003"));
  EXPECT_THAT(labels(load("methods: [prefix, {prefix: {training: {epochs: 20}}}]" + rest)),
              ElementsAre("prefix epochs=default", "prefix epochs=20"));
  EXPECT_THAT(labels(load("methods: [{full: {name: x}}, {bitfit: {name: x}}]" + rest)),
              ElementsAre(HasSubstr("x full"), HasSubstr("x bitfit")));
}

TEST_F(GridTest, TrainingGoesFromGridToTaskToMethod) {
  std::ofstream(root_ / "grid.yaml")
      << "backbones: [models/tiny]\nmethods: [full, {lora: {learning_rate: 5e-3, training: {epochs: 7, warmup: 0}}}]\n"
      << "tasks: [{name: a, train: data/a.csv, test: data/a.csv, text: text, label: label, training: {epochs: 20, "
         "batch_size: 2, learning_rate: 1e-5}}]\n"
      << "train_sizes: [4]\nseeds: 1\nselection: none\ntraining: {epochs: 3, batch_size: 8, max_length: 32, clip: 0}\n";
  const Grid grid = load_grid((root_ / "grid.yaml").string(), {});
  const worker::TrainingSpec &full = grid.trials[0].training, &lora = grid.trials[1].training;
  EXPECT_EQ(full.epochs, 20);
  EXPECT_EQ(full.learning_rate, 1e-5);
  EXPECT_EQ(full.warmup, 0.06);
  EXPECT_EQ(lora.epochs, 7);
  EXPECT_EQ(lora.batch_size, 2);
  EXPECT_EQ(lora.clip, 0);
  EXPECT_EQ(lora.warmup, 0);
  EXPECT_EQ(lora.learning_rate, 5e-3);
}

TEST_F(GridTest, StepsReplaceEpochsAndTheOtherWayRound) {
  const std::string rest = "\ntrain_sizes: [4]\nseeds: 1\nselection: none\n";
  const Grid grid = load("methods: [{full: {training: {max_steps: 50}}}, lora]" + rest);
  EXPECT_EQ(grid.trials[0].training.max_steps, 50);
  EXPECT_EQ(grid.trials[0].training.epochs, 0);
  EXPECT_EQ(grid.trials[1].training.epochs, 10);
}

TEST_F(GridTest, TheCommandLineOverridesAndAdds) {
  Overrides overrides;
  overrides.set = {"seeds=[7]", "training.epochs=2", "methods=[full]", "precision=bf16", "tasks.0.name=first"};
  const Grid grid = load("methods: [full, lora]\ntrain_sizes: [4]\nselection: none\n", overrides);
  ASSERT_EQ(grid.trials.size(), 2U);
  EXPECT_EQ(grid.trials[0].seed, 7U);
  EXPECT_EQ(grid.trials[0].training.epochs, 2);
  EXPECT_EQ(grid.trials[0].training.max_length, 32);
  EXPECT_EQ(grid.trials[0].precision, "bf16");
  EXPECT_EQ(grid.trials[0].task.name, "first");
  EXPECT_EQ(origin(grid, "seeds"), "7 from --set");
  EXPECT_EQ(origin(grid, "training.epochs"), "2 from --set");
  EXPECT_EQ(origin(grid, "training.max_length"), "32 from line 5");
  EXPECT_EQ(origin(grid, "training.batch_size"), "16 from default");
  EXPECT_THAT(origin(grid, "methods.full.learning_rate"), HasSubstr("from sweep"));
}

TEST_F(GridTest, ARegressionIsTrainedOnStandardizedTargetsUnlessTheFileSaysRaw) {
  std::ofstream(root_ / "data" / "a.csv") << "text,label\none,1\ntwo,2\nthree,3\nfour,4\nfive,5\n";
  const std::string rest = "methods: [head]\ntrain_sizes: [4]\nseeds: 1\nselection: none\n";
  Overrides overrides;
  overrides.set = {"tasks.0.kind=regression"};
  const Grid standardized = load(rest, overrides);
  EXPECT_EQ(standardized.trials[0].task.targets, "standardized");
  EXPECT_EQ(origin(standardized, "tasks.a.targets"), "standardized from default");
  EXPECT_EQ(standardized.trials[1].task.targets, "raw") << "a classification has nothing to standardise";
  EXPECT_EQ(origin(standardized, "tasks.b.targets"), "") << "nor is it shown one";
  EXPECT_EQ(standardized.trials[0].training.learning_rate, 3e-3) << "swept for regressions";
  EXPECT_EQ(standardized.trials[1].training.learning_rate, 1e-2);
  EXPECT_EQ(origin(standardized, "methods.head.learning_rate"), "0.003, 0.01 from sweep");
  overrides.set.push_back("tasks.0.targets=raw");
  const Grid raw = load(rest, overrides);
  EXPECT_EQ(raw.trials[0].training.learning_rate, 1e-2) << "raw targets keep their trials' rates, and so their ids";
  EXPECT_EQ(raw.trials[0].task.targets, "raw");
  EXPECT_EQ(origin(raw, "tasks.a.targets"), "raw from --set");
  EXPECT_NE(raw.trials[0].id, standardized.trials[0].id);
  EXPECT_EQ(raw.trials[1].id, standardized.trials[1].id);
}

TEST_F(GridTest, GluesRegressionIsStandardizedToo) {
  fs::create_directories(root_ / "data" / "STS-B");
  for (const char* file : {"train.tsv", "dev.tsv"}) {
    std::ofstream(root_ / "data" / "STS-B" / file)
        << "sentence1\tsentence2\tscore\none\ttwo\t0.5\nthree\tfour\t5\nfive\tsix\t2.75\n";
  }
  const std::string rest = "data: data\nmethods: [head]\ntrain_sizes: [2]\nseeds: 1\nselection: none\n";
  Overrides overrides;
  overrides.set = {"tasks=[stsb]"};
  EXPECT_EQ(origin(load(rest, overrides), "tasks.stsb.targets"), "standardized from default");
  overrides.set = {"tasks=[{name: stsb, targets: raw}]"};
  EXPECT_EQ(load(rest, overrides).trials[0].task.targets, "raw");
}

TEST_F(GridTest, OnlyNarrowsWithoutChangingAnyId) {
  const std::string text = "methods: [full, {lora: {rank: [4, 8]}}]\ntrain_sizes: [4, 6]\nseeds: 3\nselection: none\n";
  const Grid whole = load(text);
  Overrides overrides;
  overrides.only = {"method=lora,task=b,size=6", "seed=2"};
  const Grid part = load(text, overrides);
  ASSERT_EQ(part.trials.size(), 2U);
  EXPECT_EQ(part.trials[0].label, "lora rank=4");
  for (const worker::TrialSpec& trial : part.trials) EXPECT_THAT(whole.trials, Contains(trial));
  EXPECT_NE(part.sha256, whole.sha256);
  overrides.only = {"method=lora rank=8", "method=full"};
  EXPECT_EQ(load(text, overrides).trials.size(), 2U * 2 * 2 * 3);
}

/// The grid's first task told as a language model by a decoder; `more` goes on behind it.
std::string as_language_model(const fs::path& root, const std::string& more) {
  tests::write_tiny_model(root / "models/decoder", {.architecture = "gpt2"});
  const std::string text =
      "backbones: [models/decoder]\ntasks:\n  - {name: a, kind: language_model, train: data/a.csv, test: data/a.csv, "
      "template: \"{text}\"}\ntraining: {max_length: 32}\nselection: none\n";
  std::ofstream(root / "grid.yaml") << text << more;
  return (root / "grid.yaml").string();
}

TEST_F(GridTest, TheUntrainedModelIsOneTrialWhateverTheSizesAndSeeds) {
  const Grid few = load_grid(as_language_model(root_, "methods: [none, lora]\ntrain_sizes: [4]\nseeds: 1\n"), {});
  const Grid many =
      load_grid(as_language_model(root_, "methods: [none, lora]\ntrain_sizes: [4, 6]\nseeds: [3, 5]\n"), {});
  ASSERT_EQ(few.trials.size(), 2U);
  ASSERT_EQ(many.trials.size(), 5U);
  EXPECT_EQ(few.trials[0].method.name, "none");
  EXPECT_EQ(few.trials[0].id, many.trials[0].id);
  EXPECT_EQ(many.cells[0].train_size, kNoTrainingRows);
  EXPECT_GT(few.trials[0].backbone.vocabulary, 0) << "reports know a guess by it";
}

TEST_F(GridTest, TheUntrainedModelStaysWhereOnlyASizeOrASeedIsAskedFor) {
  const std::string file = as_language_model(root_, "methods: [none, lora]\ntrain_sizes: [4, 6]\nseeds: [3, 5]\n");
  EXPECT_EQ(load_grid(file, {{}, {"size=6,seed=5"}}).trials.size(), 2U);
  EXPECT_EQ(load_grid(file, {{}, {"method=none"}}).trials.size(), 1U);
}

TEST_F(GridTest, AnAuxiliaryLossIsNoneOfALanguageModel) {
  const std::string methods = "methods: [lora: {training: {auxiliary_lm: 0.5}}]\ntrain_sizes: [4]\nseeds: 1\n";
  EXPECT_EQ(load_grid(as_language_model(root_, methods), {}).trials[0].training.auxiliary_lm, 0);
}

TEST_F(GridTest, WhatDiffersOnlyInASettingThatChangesNothingThereIsAHole) {
  const std::string methods =
      "methods: [lora, lora: {training: {auxiliary_lm: 0.5}}, none]\ntrain_sizes: [4]\nseeds: 2\n";
  const Grid grid = load_grid(as_language_model(root_, methods), {});
  EXPECT_EQ(grid.trials.size(), 3U);
  ASSERT_EQ(grid.holes.size(), 1U);
  EXPECT_THAT(grid.holes[0].reason, testing::AllOf(HasSubstr("the same trials as lora"),
                                                   HasSubstr("auxiliary_lm: 0.5 changes nothing here")));
}

TEST_F(GridTest, InsertedTokensMakeNoSecondTrialWhereNoneAreInserted) {
  const std::string file = as_language_model(root_, "methods: [none, lora]\ntrain_sizes: [4]\nseeds: 1\n");
  const std::string decoder = (root_ / "models/decoder").string();
  Overrides overrides;
  overrides.set = {"backbones=[{name: plain, path: " + decoder + "}, {name: inserted, path: " + decoder +
                   ", input: gpt1}]"};
  const Grid grid = load_grid(file, overrides);
  EXPECT_EQ(grid.trials.size(), 2U);
  ASSERT_EQ(grid.holes.size(), 2U);
  EXPECT_EQ(grid.holes[0].backbone, "inserted");
  EXPECT_THAT(grid.holes[0].reason, HasSubstr("on plain: input: gpt1 changes nothing here"));
}

TEST_F(GridTest, WhatAHeadReadsMakesNoSecondTrialWithoutAHead) {
  const std::string file = as_language_model(root_, "methods: [none, lora]\ntrain_sizes: [4]\nseeds: 1\n");
  const std::string decoder = (root_ / "models/decoder").string();
  Overrides overrides;
  overrides.set = {"backbones=[{name: last, path: " + decoder + "}, {name: mean, path: " + decoder +
                   ", readout: mean}]"};
  const Grid grid = load_grid(file, overrides);
  EXPECT_EQ(grid.trials.size(), 2U);
  ASSERT_EQ(grid.holes.size(), 2U);
  EXPECT_THAT(grid.holes[0].reason, HasSubstr("on last: readout: mean changes nothing here"));
}

TEST_F(GridTest, AScaleThatGatesStandForMakesNoSecondTrial) {
  const std::string rest = "]\ntrain_sizes: [4]\nseeds: 1\nselection: none\n";
  const Grid gated = load("methods: [unipelt, unipelt: {alpha: 8}" + rest);
  EXPECT_EQ(gated.trials.size(), 2U);
  EXPECT_THAT(gated.holes.at(0).reason, HasSubstr("alpha: 8 changes nothing here"));
  EXPECT_EQ(load("methods: [unipelt: {gates: no, alpha: [8, 16]}" + rest).trials.size(), 4U);
}

TEST_F(GridTest, ATemplateNamesColumnsByNumberWhereAFileHasNoHeader) {
  std::ofstream(root_ / "data/bare.csv") << "a,x\nb,y\nc,x\nd,y\n";
  const std::string file = as_language_model(root_, "methods: [none]\ntrain_sizes: [4]\nseeds: 1\n");
  Overrides overrides;
  overrides.set = {"tasks=[{name: bare, kind: language_model, train: " + (root_ / "data/bare.csv").string() +
                   ", test: " + (root_ / "data/bare.csv").string() +
                   ", header: false, template: \"{0} {answer}\", answer: 1}]"};
  const Grid grid = load_grid(file, overrides);
  EXPECT_EQ(grid.trials.at(0).task.text.at(0).index, 0);
  EXPECT_EQ(grid.trials.at(0).task.label.index, 1);
  EXPECT_EQ(origin(grid, "tasks.bare.answer"), "1 from --set");
}

TEST_F(GridTest, ListsInAnyOrderHaveOneId) {
  const std::string rest = "\ntrain_sizes: [4]\nseeds: 1\nselection: none\n";
  EXPECT_EQ(load("methods: [{lora: {targets: [value, query]}}]" + rest).trials[0].id,
            load("methods: [lora]" + rest).trials[0].id);
  EXPECT_EQ(load("methods: [{bitfit: {biases: all}}]" + rest).trials[0].id,
            load("methods: [bitfit]" + rest).trials[0].id);
  EXPECT_EQ(load("methods: [{lora: {alpha: 16}}]" + rest).trials[0].id,
            load("methods: [{lora: {alpha: 16.0}}]" + rest).trials[0].id);
}

TEST_F(GridTest, OneMoreSeedLeavesTheOthersIdsAlone) {
  const std::string text = "methods: [full]\ntrain_sizes: [4]\nselection: none\n";
  const Grid two = load(text + "seeds: 2\n"), three = load(text + "seeds: 3\n");
  EXPECT_EQ(two.trials[0].id, three.trials[0].id);
  EXPECT_EQ(two.trials[1].id, three.trials[1].id);
  EXPECT_EQ(two.cells[0].id, three.cells[0].id);
}

TEST_F(GridTest, OneDataSeedServesAllSeeds) {
  const Grid grid = load("methods: [full]\ntrain_sizes: [4]\nseeds: 2\ndata_seed: 42\nselection: none\n");
  EXPECT_EQ(grid.trials[1].seed, 2U);
  EXPECT_EQ(grid.trials[1].data_seed, 42U);
}

TEST_F(GridTest, ALabelWithoutARowIsAWarning) {
  const Grid grid = load("methods: [full, lora]\ntrain_sizes: [1]\nseeds: 1\nselection: none\n");
  ASSERT_EQ(grid.warnings.size(), 2U) << "once for each sample, not for each method";
  EXPECT_THAT(grid.warnings[0],
              testing::ContainsRegex("a: \"[xy]\" without a row among the 1 training rows of data seed 1"));
}

TEST_F(GridTest, SelectionIsOneOfThree) {
  const std::string rest = "methods: [full]\ntrain_sizes: [4]\nseeds: 1\n";
  const worker::SelectionSpec rows = load(rest + "selection: {rows: 5, every: 3, patience: 0}\n").trials[0].selection;
  EXPECT_EQ(rows.from, "rows");
  EXPECT_EQ(rows.rows, 5);
  EXPECT_EQ(rows.every_steps, 3);
  EXPECT_EQ(rows.patience, 0);
  const worker::SelectionSpec none = load(rest + "selection: none\n").trials[0].selection;
  EXPECT_EQ(none.rows, 0);
  EXPECT_EQ(none.patience, 0);
}

TEST_F(GridTest, PathsCountFromTheGridFileAndOnTheCommandLineFromHere) {
  const fs::path before = fs::current_path();
  Overrides overrides;
  overrides.set = {"backbones=[models/tiny]"};
  fs::current_path(root_);
  const Grid grid = load("methods: [full]\ntrain_sizes: [4]\nseeds: 1\nselection: none\n", overrides);
  fs::current_path(before);
  EXPECT_EQ(grid.trials[0].backbone.path, (root_ / "models/tiny").string());
  EXPECT_EQ(grid.trials[0].task.train, (root_ / "data/a.csv").string());
  EXPECT_EQ(grid.run, "grid");
}

TEST_F(GridTest, PlanShowsWhatIsThereAndWhatWouldRun) {
  const Grid grid = load("methods: [full, lora]\ntrain_sizes: [4, 20]\nseeds: 2\nselection: none\n");
  const fs::path out = root_ / "run";
  fs::create_directories(out / "trials");
  checkpoint::publish_trial(out / "trials" / (grid.trials[0].id + ".h5"), tests::sample_record(grid.trials[0], 0.5));
  testing::internal::CaptureStdout();
  EXPECT_EQ(plan_command({"--grid", (root_ / "grid.yaml").string(), "--ranks", "4", "--out", out.string()}), 0);
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_THAT(text, HasSubstr("11 to run, 1 already there"));
  EXPECT_THAT(text, HasSubstr("20 training rows; the task has 12"));
  EXPECT_THAT(text, HasSubstr("on 4 ranks"));
}

TEST_F(GridTest, PlanRefusesOptionsThatMakeNoSense) {
  const std::string grid = (root_ / "grid.yaml").string();
  EXPECT_THROW(plan_command({}), worker::UsageError);
  EXPECT_THROW(plan_command({"--grid", grid, "--ranks", "0"}), worker::UsageError);
  EXPECT_THROW(plan_command({"--grid", grid, "--rank", "1"}), worker::UsageError);
  EXPECT_THROW(plan_command({"--grid", grid, "--gflops", "-3"}), worker::UsageError);
  EXPECT_THROW(plan_command({"--grid", grid, "--device", "tpu"}), worker::UsageError);
  EXPECT_THROW(plan_command({"--grid", grid, "extra"}), worker::UsageError);
}

TEST(GridDocument, NamesEveryMethodOptionAndTrainingKey) {
  std::string text;
  // The second has the row of the method that it takes as its example.
  for (const char* page : {"/docs/grid_file.md", "/docs/adding_a_method.md"}) {
    std::ifstream in(std::string(PEFTGRID_SOURCE) + page);
    text.append(std::istreambuf_iterator<char>(in), {});
  }
  for (const TrainingKey& key : training_keys()) EXPECT_THAT(text, HasSubstr("`" + key.name + "`"));
  for (const worker::MethodInfo& method : worker::methods()) {
    EXPECT_THAT(text, HasSubstr("| `" + method.name + "` |"));
    for (const worker::OptionInfo& option : method.options) {
      EXPECT_THAT(text, HasSubstr("`" + option.name + ": "));
      for (const std::string& choice : option.choices) EXPECT_THAT(text, HasSubstr(choice));
    }
  }
}

}  // namespace
}  // namespace peftgrid::orchestrator
