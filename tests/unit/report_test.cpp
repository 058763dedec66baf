#include "orchestrator/report/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/more_seeds.hpp"
#include "orchestrator/report/write_report.hpp"
#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_trials.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using tests::contents;
using tests::sample_record;
using tests::sample_run;
using tests::sample_spec;
using tests::SampleOptions;
using tests::SampleRun;
using tests::TemporaryFolder;

SampleOptions small(std::vector<std::string> methods = {"full", "lora", "head"},
                    std::vector<std::string> tasks = {"sst2", "mrpc"}) {
  SampleOptions options;
  options.methods = std::move(methods);
  options.tasks = std::move(tasks);
  options.train_sizes = {100};
  options.test_rows = 200;
  options.tensor_values = 8;
  return options;
}

ReportModel report_of(const SampleRun& run) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", run);
  return build_report({folder.path() / "run"});
}

const ScoreCell& cell_of(const ReportModel& model, const std::string& method, const std::string& heading,
                         std::size_t table = 0) {
  const ScoreTable& in = model.tables.at(table);
  for (const MethodRow& row : in.rows) {
    for (std::size_t i = 0; i < in.columns.size(); ++i) {
      if (row.label == method && in.columns[i].heading == heading) return row.cells[i];
    }
  }
  throw std::runtime_error("no cell " + method + " on " + heading);
}

/// All sentences of a table in one text.
std::string said_of(const ReportModel& model, std::size_t table = 0) {
  std::string text;
  for (const std::string& sentence : model.tables.at(table).sentences) text += sentence + "\n";
  return text;
}

/// Makes so many test rows wrong, from this one on, and all others right; of a task with two labels and accuracy.
void set_right_rows(checkpoint::TrialRecord& record, std::size_t wrong, std::size_t from = 0) {
  checkpoint::TestResult& test = record.tests[0];
  test.predictions = test.labels;
  for (std::size_t i = 0; i < wrong; ++i) {
    double& prediction = test.predictions[(from + i) % test.labels.size()];
    prediction = prediction == 0 ? 1 : 0;
  }
  for (auto& [metric, value] : test.metrics) {
    if (metric == "accuracy") value = 1 - static_cast<double>(wrong) / static_cast<double>(test.labels.size());
  }
}

std::string notes_of(const ReportModel& model, const ScoreCell& cell) {
  std::string text;
  for (const std::size_t note : cell.notes) text += model.tables[0].notes.at(note) + "\n";
  return text;
}

TEST(Report, ShowsMeansOverSeedsWithTheirNumber) {
  const SampleRun run = sample_run(small());
  const ReportModel model = report_of(run);
  ASSERT_EQ(model.tables.size(), 1U);
  double sum = 0;
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    if (run.grid.trials[i].label == "lora" && run.grid.trials[i].task.name == "sst2")
      sum += run.records[i].tests[0].metrics[0].second;
  }
  const ScoreCell& cell = cell_of(model, "lora", "sst2");
  EXPECT_EQ(cell.summary.n, 3U);
  EXPECT_NEAR(cell.summary.mean, sum / 3, 1e-12);
  EXPECT_TRUE(cell.complete());
  EXPECT_EQ(model.tables[0].columns[1].metric, "f1");
  EXPECT_EQ(model.tables[0].rules.baseline, "full");
}

TEST(Report, KeepsTheGridsOrderOfMethodsAndTasks) {
  const ReportModel model = report_of(sample_run(small({"head", "lora", "full"}, {"tickets", "mrpc"})));
  EXPECT_EQ(model.tables[0].rows[0].label, "head");
  EXPECT_EQ(model.tables[0].rows[2].label, "full");
  EXPECT_EQ(model.tables[0].columns[0].heading, "tickets");
}

TEST(Report, AveragesOverTheTasksThatAllMethodsShare) {
  const ReportModel all = report_of(sample_run(small({"full", "lora"}, {"sst2", "mrpc", "tickets"})));
  EXPECT_EQ(all.tables[0].averaged, (std::vector<std::size_t>{0, 1, 2}));
  const auto& row = all.tables[0].rows[1];
  EXPECT_NEAR(*row.average, (row.cells[0].summary.mean + row.cells[1].summary.mean + row.cells[2].summary.mean) / 3,
              1e-12);
  ASSERT_TRUE(row.on_average.against);
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2", "mrpc", "tickets"}));
  run.records.erase(run.records.begin() + 9, run.records.begin() + 12);  // lora on mrpc
  const ReportModel model = report_of(run);
  EXPECT_EQ(model.tables[0].averaged, (std::vector<std::size_t>{0, 2}));
  EXPECT_THAT(said_of(model), HasSubstr("On average over these two tasks (sst2 and tickets): "));
  EXPECT_THAT(said_of(model), HasSubstr("Nothing is said of other tasks."));
}

TEST(Report, ComparesCostsOverTheSameTasksAndSeeds) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2", "mrpc"}));
  for (std::size_t i = 0; i < run.records.size(); ++i) run.records[i].training_s = i < 6 ? 10 : 1000;
  run.records.erase(run.records.begin() + 9, run.records.end());  // lora on mrpc
  const ReportModel model = report_of(run);
  EXPECT_EQ(model.tables[0].rows[0].costs.trials, 3U);
  EXPECT_DOUBLE_EQ(model.tables[0].rows[0].costs.training_s, 10);
  EXPECT_DOUBLE_EQ(model.tables[0].rows[0].costs.deployed_bytes, 64);  // two tensors of eight numbers
}

TEST(Report, SaysHowManySeedsAreNotThereYet) {
  SampleRun run = sample_run(small());
  run.records.erase(run.records.begin() + 4);  // lora on sst2, seed 2
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "lora", "sst2").verdict.against->comparison.seeds, 2U);
  EXPECT_THAT(notes_of(model, cell_of(model, "lora", "sst2")), HasSubstr("1 of 3 seeds not there yet"));
}

TEST(Report, SpeaksOfOtherTasksFromSixOn) {
  const ReportModel model =
      report_of(sample_run(small({"full", "lora"}, {"sst2", "mrpc", "tickets", "rte", "qnli", "cola"})));
  EXPECT_THAT(said_of(model), HasSubstr("For tasks like these, against full: lora "));
}

TEST(Report, MakesEveryTroubleVisibleWithItsReason) {
  const TemporaryFolder folder;
  SampleOptions options = small({"full", "head", "lora", "bitfit", "pfeiffer", "prefix"}, {"sst2", "mrpc", "tickets"});
  tests::write_troubled_run(folder.path() / "run", sample_run(options));
  const ReportModel model = build_report({folder.path() / "run"});
  EXPECT_EQ(cell_of(model, "prefix", "mrpc").state, ScoreCell::State::Diverged);
  EXPECT_THAT(notes_of(model, cell_of(model, "prefix", "mrpc")),
              HasSubstr("3 of 3 seeds diverged: the loss is not finite"));
  EXPECT_THAT(notes_of(model, cell_of(model, "pfeiffer", "mrpc")), HasSubstr("1 of 3 seeds failed: out of memory"));
  EXPECT_THAT(notes_of(model, cell_of(model, "bitfit", "mrpc")), HasSubstr("2 of 3 seeds predict one class"));
  EXPECT_EQ(cell_of(model, "prompt", "tickets").state, ScoreCell::State::Hole);
  EXPECT_THAT(notes_of(model, cell_of(model, "prompt", "tickets")), HasSubstr("does not apply"));
  EXPECT_THAT(model.remarks, testing::Contains(HasSubstr("0000000000000bad.h5")));
  const std::string page = html(model, {});
  for (const char* word : {"diverged", "not applicable", "out of memory", "predict one class", "majority class"}) {
    EXPECT_THAT(page, HasSubstr(word));
    EXPECT_THAT(markdown(model, {}), HasSubstr(word));
    EXPECT_THAT(latex(model), HasSubstr(word));
    EXPECT_THAT(terminal_table(model), HasSubstr(word));
  }
}

TEST(Report, StarsWhatMayBeTheBestAndSaysWhoIsBehindTheBaseline) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"sst2"}));
  const std::vector<std::size_t> wrong = {40, 36, 38, 37, 38, 40, 80, 78, 76};
  for (std::size_t i = 0; i < run.records.size(); ++i) set_right_rows(run.records[i], wrong[i]);
  const ReportModel model = report_of(run);
  EXPECT_TRUE(cell_of(model, "full", "sst2").verdict.starred);
  EXPECT_TRUE(cell_of(model, "lora", "sst2").verdict.starred);
  EXPECT_FALSE(cell_of(model, "head", "sst2").verdict.starred);
  EXPECT_EQ(cell_of(model, "head", "sst2").verdict.above, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(cell_of(model, "head", "sst2").verdict.against->word, Word::Behind);
  EXPECT_THAT(said_of(model), HasSubstr("sst2: with 95 % confidence the best method is not head. Against full, head is "
                                        "behind by at least "));
  EXPECT_THAT(said_of(model), HasSubstr("; lora is not told apart from it (at most "));
  EXPECT_THAT(said_of(model), HasSubstr("(rough, from 3 seeds)"));
  const TextTable layout = score_layout(model.tables[0]);
  EXPECT_TRUE(layout.rows[0][1].star && layout.rows[1][1].star && !layout.rows[2][1].star);
  EXPECT_EQ(layout.rows[2].back().text, "behind");
}

TEST(Report, SaysOneWordOfManyMethodsOnce) {
  SampleRun run = sample_run(
      small({"full", "lora", "bitfit", "pfeiffer", "prefix", "prompt", "top_layers", "ia3", "head"}, {"sst2"}));
  for (std::size_t i = 0; i < run.records.size(); ++i) set_right_rows(run.records[i], i < 21 ? 2 : 150 + i % 3);
  const std::string said = said_of(report_of(run));
  EXPECT_THAT(said, HasSubstr("Against full, behind by at least so many points are ia3 ("));
  EXPECT_THAT(said, HasSubstr(") and head ("));
  EXPECT_THAT(said, Not(HasSubstr("head is behind")));
}

TEST(Report, ClaimsNothingAboutMethodsFromOneSeed) {
  SampleOptions options = small({"full", "lora", "head"}, {"sst2"});
  options.seeds = 1;
  SampleRun run = sample_run(options);
  for (std::size_t i = 0; i < 3; ++i) set_right_rows(run.records[i], std::vector<std::size_t>{10, 5, 150}[i], 5);
  const ReportModel model = report_of(run);
  EXPECT_EQ(
      said_of(model),
      "sst2: one seed compares these three models, not the methods; another seed may turn it round. Of the 200 test "
      "rows the full model alone got 0 right that lora's did not, lora's alone 5.\n");
  for (const std::string& page : {html(model, {}), markdown(model, {}), latex(model), terminal_table(model)}) {
    for (const char* claim : {"behind", "ahead", "best", "against full", "confidence", "[", "sees"})
      EXPECT_THAT(page.substr(page.find("majority class")), Not(HasSubstr(claim)));
  }
  EXPECT_FALSE(cell_of(model, "head", "sst2").verdict.starred || cell_of(model, "lora", "sst2").interval);
}

TEST(Report, ComparesNoMethodsThatShareNoTwoSeeds) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  run.records.erase(run.records.begin() + 2, run.records.begin() + 4);  // full has seeds 1 and 2, lora 2 and 3
  const ReportModel model = report_of(run);
  EXPECT_THAT(said_of(model), HasSubstr("sst2: no two methods share two seeds; none is compared."));
  EXPECT_FALSE(cell_of(model, "lora", "sst2").verdict.starred || cell_of(model, "lora", "sst2").verdict.against);
}

TEST(Report, ComparesWithTheBaselineThatIsAskedForAndSaysSo) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small()));
  const ReportModel model = build_report({folder.path() / "run"}, {"lora", {}, false});
  EXPECT_EQ(model.tables[0].rules.baseline, "lora");
  EXPECT_THAT(markdown(model, {}), HasSubstr("That lora is the baseline was said when the results were there"));
  try {
    build_report({folder.path() / "run"}, {"lore", {}, false});
    FAIL() << "an unknown baseline";
  } catch (const worker::UsageError& error) {
    EXPECT_STREQ(error.what(), "--baseline names \"lore\", which is no method here; lora would be right");
  }
}

TEST(Report, ComparesOnlyWhatTheGridSaysBeforehand) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"sst2"}));
  run.grid.compare = {"lora", "head"};
  run.grid.margin = 3;
  const ReportModel model = report_of(run);
  EXPECT_EQ(model.tables[0].rules.baseline, "lora");
  EXPECT_DOUBLE_EQ(model.tables[0].rules.margin, 0.03);
  EXPECT_FALSE(cell_of(model, "full", "sst2").verdict.starred || cell_of(model, "full", "sst2").verdict.against);
  EXPECT_TRUE(cell_of(model, "full", "sst2").interval);
  EXPECT_EQ(cell_of(model, "head", "sst2").verdict.against->comparison.comparisons, 1U);
}

TEST(Report, KnowsWhichCellAnotherSeedWouldTellMostAbout) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"sst2"}));
  for (std::size_t i = 3; i < 6; ++i) set_right_rows(run.records[i], 200);  // lora is clearly behind
  Plan plan;
  plan.seconds.assign(run.grid.trials.size(), 10);
  const auto more = more_seeds(report_of(run), run.grid, plan);
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].method, "head");
  EXPECT_EQ(more[0].seeds, 3U);
  EXPECT_LT(*more[0].with_one_more, *more[0].half_width);
  EXPECT_DOUBLE_EQ(more[0].rank_s, 20);
  EXPECT_THAT(more_seeds_text(more), HasSubstr("head"));
}

TEST(Report, KeepsRunsThatSaidNothingApartFromThoseThatWorked) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  auto& collapsed = run.records[1].tests[0];
  std::ranges::fill(collapsed.predictions, 0.0);
  collapsed.metrics[0].second = 0.1;
  const ReportModel model = report_of(run);
  const ScoreCell& cell = cell_of(model, "full", "sst2");
  EXPECT_EQ(cell.summary.n, 2U);
  EXPECT_GT(cell.summary.mean, 0.5);
  EXPECT_EQ(cell.all_scores.size(), 3U);
  EXPECT_THAT(said_of(model), HasSubstr("full predicts one class in 1 of 3 seeds (true rate 6 to 79 %); its "));
  EXPECT_THAT(said_of(model), HasSubstr(" is the mean of the two that worked."));
}

TEST(Report, ComparesNoRegressionWhosePredictionsDoNotVaryAndSaysSo) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"stsb"}));
  for (std::size_t i = 3; i < 6; ++i) {  // lora: in perfect order, within a thousandth of the labels' spread
    checkpoint::TestResult& test = run.records[i].tests[0];
    for (std::size_t row = 0; row < test.labels.size(); ++row) test.predictions[row] = 2.5 + 1e-3 * test.labels[row];
    test.metrics = {{"spearman", 1.0}, {"pearson", 1.0}};
  }
  const auto undefined = std::numeric_limits<double>::quiet_NaN();
  run.records[6].tests[0].predictions.assign(run.records[6].tests[0].labels.size(), 2.5);
  run.records[6].tests[0].metrics = {{"spearman", undefined}, {"pearson", undefined}};
  const ReportModel model = report_of(run);
  EXPECT_FALSE(cell_of(model, "lora", "stsb").verdict.starred);
  EXPECT_FALSE(cell_of(model, "lora", "stsb").interval);
  EXPECT_EQ(cell_of(model, "head", "stsb").verdict.against->comparison.seeds, 2U);
  EXPECT_THAT(notes_of(model, cell_of(model, "lora", "stsb")), HasSubstr("3 of 3 seeds predict one value"));
  EXPECT_THAT(notes_of(model, cell_of(model, "head", "stsb")), HasSubstr("spearman is undefined for 1 of 3 seeds"));
  EXPECT_THAT(said_of(model), HasSubstr("lora is not compared: it predicts one value in 3 of 3 seeds."));
  EXPECT_THAT(said_of(model), HasSubstr("head has no defined score in 1 of 3 seeds (true rate 6 to 79 %)"));
  for (const std::string& page : {html(model, {}), markdown(model, {}), latex(model), terminal_table(model)})
    EXPECT_THAT(page, HasSubstr("predict one value"));
}

TEST(Report, SaysThatNothingIsComparedWhereEveryRunPredictsOneValue) {
  SampleRun run = sample_run(small({"full", "lora"}, {"stsb"}));
  for (auto& record : run.records) {
    for (double& prediction : record.tests[0].predictions) prediction = 2.5 + 1e-6 * prediction;
  }
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "full", "stsb").summary.n, 3U);
  EXPECT_FALSE(cell_of(model, "full", "stsb").verdict.starred || cell_of(model, "full", "stsb").interval);
  EXPECT_THAT(said_of(model),
              HasSubstr("stsb: nothing can be compared. full is not compared: it predicts one value in 3 "
                        "of 3 seeds."));
}

TEST(Report, TakesTheFirstMethodForBaselineWhereThereIsNoFullFineTuning) {
  const ReportModel model = report_of(sample_run(small({"lora", "head"})));
  EXPECT_EQ(model.tables[0].rules.baseline, "lora");
  EXPECT_TRUE(cell_of(model, "head", "sst2").verdict.against);
}

TEST(Report, LeavesRunsOnOtherTestRowsOutOfComparisons) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  for (double& label : run.records[5].tests[0].labels) label = 1 - label;
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "lora", "sst2").verdict.against->comparison.seeds, 2U);
  EXPECT_THAT(markdown(model, {}), HasSubstr("1 run was tested on rows other than the rest's"));
}

TEST(Report, ShowsMnliMatchedFirstAndSaysThatTestIsTheDevSet) {
  const ReportModel model = report_of(sample_run(small({"full", "lora"}, {"mnli"})));
  ASSERT_EQ(model.tables[0].columns.size(), 2U);
  EXPECT_EQ(model.tables[0].columns[0].heading, "mnli matched");
  EXPECT_EQ(model.tables[0].columns[1].heading, "mnli mismatched");
  EXPECT_TRUE(model.tables[0].averaged.empty()) << "two test sets of one task are not two tasks";
  EXPECT_THAT(markdown(model, {}), HasSubstr("test is the official dev set"));
}

TEST(Report, CountsTrialsOfEarlierGridsAndLeavesThemOut) {
  const TemporaryFolder folder;
  SampleRun run = sample_run(small());
  run.records.push_back(sample_record(sample_spec("bitfit", "sst2", 100, 1), 0.8));
  tests::write_run(folder.path() / "run", run);
  const ReportModel model = build_report({folder.path() / "run"});
  EXPECT_EQ(model.tables[0].rows.size(), 3U);
  EXPECT_THAT(model.remarks, testing::Contains(HasSubstr("1 trial stored here belongs to earlier grids")));
}

TEST(Report, NamesMixedProcessorsOtherVersionsAndSharedCores) {
  SampleRun run = sample_run(small());
  const auto change = [](checkpoint::TrialRecord& record, const char* key, const nlohmann::json& value) {
    auto environment = nlohmann::json::parse(record.environment);
    environment[key] = value;
    record.environment = environment.dump();
  };
  change(run.records[0], "cpu", "CPU two");
  change(run.records[1], "numerics", worker::kNumericsVersion + 1);
  change(run.records[2], "ranks", 32);
  const ReportModel model = report_of(run);
  EXPECT_THAT(model.remarks, testing::Contains(HasSubstr("CPU one (17 trials) and CPU two (1 trial)")));
  EXPECT_THAT(model.remarks,
              testing::Contains(HasSubstr("numerics version " + std::to_string(worker::kNumericsVersion + 1))));
  EXPECT_TRUE(model.tables[0].oversubscribed);
}

TEST(Report, SaysWhichTrialsMultipliedInBf16) {
  const TemporaryFolder folder;
  for (const char* precision : {"fp32", "bf16"}) {
    worker::TrialSpec spec = sample_spec("lora", "sst2", 100, 1);
    spec.precision = precision;
    spec.id = worker::trial_id(spec);
    spec.cell = worker::cell_id(spec);
    std::filesystem::create_directory(folder.path() / precision);
    checkpoint::write_trial(folder.path() / precision / (spec.id + ".h5"), sample_record(spec, 0.8));
  }
  const auto remarks = [&](const char* source) { return build_report({folder.path() / source}).remarks; };
  EXPECT_THAT(remarks("fp32"), testing::Not(testing::Contains(HasSubstr("bf16"))));
  EXPECT_THAT(remarks("bf16"), testing::Contains(HasSubstr("All trials took products with frozen weights in bf16")));
  EXPECT_THAT(build_report({folder.path() / "fp32", folder.path() / "bf16"}).remarks,
              testing::Contains(HasSubstr("1 trial took products with frozen weights in bf16")));
}

TEST(Report, NeverAveragesUnlikeTrialsOfOneName) {
  const TemporaryFolder folder;
  for (const double rate : {1e-3, 4e-3}) {
    worker::TrialSpec spec = sample_spec("lora", "sst2", 100, 1);
    spec.training.learning_rate = rate;
    spec.id = worker::trial_id(spec);
    spec.cell = worker::cell_id(spec);
    checkpoint::write_trial(folder.path() / (spec.id + ".h5"), sample_record(spec, 0.8));
  }
  const ReportModel model = build_report({folder.path()});
  ASSERT_EQ(model.tables[0].rows.size(), 2U);
  std::set<std::string> labels = {model.tables[0].rows[0].label, model.tables[0].rows[1].label};
  EXPECT_EQ(labels, (std::set<std::string>{"lora learning_rate=0.001", "lora learning_rate=0.004"}));
}

TEST(Report, TellsTrialsOnRawTargetsFromThoseOnStandardizedOnes) {
  const TemporaryFolder folder;
  for (const char* targets : {"raw", "standardized"}) {
    worker::TrialSpec spec = sample_spec("lora", "stsb", 100, 1);
    spec.task.targets = targets;
    spec.id = worker::trial_id(spec);
    spec.cell = worker::cell_id(spec);
    checkpoint::write_trial(folder.path() / (spec.id + ".h5"), sample_record(spec, 0.8));
  }
  const ReportModel model = build_report({folder.path()});
  ASSERT_EQ(model.tables[0].rows.size(), 2U);
  std::set<std::string> labels = {model.tables[0].rows[0].label, model.tables[0].rows[1].label};
  EXPECT_EQ(labels, (std::set<std::string>{"lora targets=raw", "lora targets=standardized"}));
}

TEST(Report, PutsTheSizesOfOneTaskBesideEachOtherInLatex) {
  SampleOptions options = small({"full", "lora"}, {"sst2"});
  options.train_sizes = {100, 500};
  const std::string text = latex(report_of(sample_run(options)));
  EXPECT_THAT(text, HasSubstr("method & 100 training rows & 500 training rows"));
  EXPECT_THAT(text, HasSubstr("\\label{tab:scores-1}"));
  EXPECT_THAT(text, Not(HasSubstr("\\label{tab:scores-2}")));
  EXPECT_THAT(text, HasSubstr("500 training rows, sst2: "));
}

TEST(Report, HasTheOtherMetricsInCellsCsvAndOnDemandInTables) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small({"full", "lora"}, {"mrpc", "sst2"})));
  const ReportModel model = build_report({folder.path() / "run"});
  EXPECT_THAT(cells_csv(model), HasSubstr("minilm,100,lora,mrpc,test,accuracy,scored,"));
  ASSERT_EQ(model.tables.size(), 1U);
  const ReportModel all = build_report({folder.path() / "run"}, {"", {}, true});
  ASSERT_EQ(all.tables.size(), 2U);
  EXPECT_EQ(all.tables[1].columns[0].metric, "accuracy");
  EXPECT_TRUE(all.tables[1].rows[1].cells[0].verdict.against);
  EXPECT_EQ(cells_csv(all), cells_csv(model));
}

TEST(Report, IsTheSameFromARunFolderAndFromItsMergedFile) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small({"full", "lora"}, {"mrpc", "sst2"})));
  checkpoint::merge({folder.path() / "run"}, folder.path() / "all.h5");
  EXPECT_EQ(cells_csv(build_report({folder.path() / "all.h5"})), cells_csv(build_report({folder.path() / "run"})));
}

TEST(Report, HasTheSameBytesEveryTime) {
  const TemporaryFolder folder;
  SampleOptions options = small({"full", "lora", "head"});
  options.train_sizes = {100, 500, 0};
  tests::write_run(folder.path() / "run", sample_run(options));
  write_report({folder.path() / "run"}, folder.path() / "one");
  write_report({folder.path() / "run"}, folder.path() / "two");
  write_report({folder.path() / "run"}, folder.path() / "two");
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "one")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(contents(entry.path()),
              contents(folder.path() / "two" / fs::relative(entry.path(), folder.path() / "one")))
        << entry.path();
  }
  EXPECT_GE(files, 5U);
}

TEST(Report, HasEachPlotAsPdfThatTellsNoDate) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small()));
  write_report({folder.path() / "run"}, folder.path() / "out");
  std::size_t drawings = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "out" / "plots")) {
    if (entry.path().extension() != ".svg") continue;
    ++drawings;
    const std::string pdf = contents(fs::path(entry.path()).replace_extension(".pdf"));
    EXPECT_TRUE(pdf.starts_with("%PDF"));
    EXPECT_THAT(pdf, HasSubstr("/CreationDate (D:00000000000000"));
  }
  EXPECT_GE(drawings, 2U);
}

TEST(Report, IsOneSelfContainedPage) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small()));
  const std::string page = contents(write_report({folder.path() / "run"}, folder.path() / "out"));
  for (const char* fetched : {"src=", "<link", "<script", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(fetched)));
  EXPECT_THAT(page, HasSubstr("name=\"viewport\""));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">"));
}

TEST(Report, LetsNoNameBecomeMarkupFormulaOrCommand) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  const std::string evil = "=1+1|<script>'`touch x`'\\input{y}\"%_$,";
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    worker::TrialSpec& spec = run.grid.trials[i];
    if (spec.label == "lora") spec.label = evil;
    run.records[i].spec = worker::to_json(spec);
  }
  for (auto& cell : run.grid.cells) {
    if (cell.label == "lora") cell.label = evil;
  }
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", run);
  write_report({folder.path() / "run"}, folder.path() / "out");
  EXPECT_THAT(contents(folder.path() / "out/index.html"), Not(HasSubstr("<script>")));
  EXPECT_THAT(contents(folder.path() / "out/report.md"), Not(HasSubstr("<script>")));
  EXPECT_THAT(contents(folder.path() / "out/report.md"), Not(HasSubstr("=1+1|")));
  EXPECT_THAT(contents(folder.path() / "out/table.tex"), Not(HasSubstr("\\input{y}")));
  EXPECT_THAT(contents(folder.path() / "out/cells.csv"), HasSubstr("\"'=1+1|"));
  EXPECT_FALSE(fs::exists("x"));
}

TEST(Report, FitsTheTerminal) {
  SampleOptions options =
      small({"full", "lora", "head"}, {"sst2", "mrpc", "tickets", "rte", "qnli", "cola", "wnli", "mnli"});
  const std::string text = terminal_table(report_of(sample_run(options)));
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; start = end + 1, end = text.find('\n', start)) {
    const std::string line = text.substr(start, end - start);
    const auto wide = std::count_if(line.begin(), line.end(),
                                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    EXPECT_LE(wide, 100) << line;
  }
  EXPECT_THAT(text, HasSubstr("majority class"));
}

TEST(Report, OfNothingSaysSo) {
  SampleRun run = sample_run(small());
  run.records.clear();
  const ReportModel model = report_of(run);
  EXPECT_THAT(model.remarks, testing::Contains(HasSubstr("no finished trial yet")));
  EXPECT_EQ(cell_of(model, "lora", "sst2").state, ScoreCell::State::Missing);
  EXPECT_THAT(html(model, {}), HasSubstr("nothing is measured yet"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
