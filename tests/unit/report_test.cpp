#include "orchestrator/report/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_reports.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::cell_of;
using tests::notes_of;
using tests::report_of;
using tests::said_of;
using tests::sample_record;
using tests::sample_run;
using tests::sample_spec;
using tests::SampleOptions;
using tests::SampleRun;
using tests::small;
using tests::TemporaryFolder;

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

TEST(Report, SaysWhoseAverageIsNotComparedForWantOfSeeds) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"sst2", "mrpc"}));
  run.records.erase(run.records.begin() + 7, run.records.begin() + 9);  // all but one seed of head on sst2
  const std::string said = said_of(report_of(run));
  EXPECT_THAT(said.substr(said.find("On average")),
              HasSubstr("head is not compared: no two seeds shared with another on each of them."));
}

TEST(Report, ComparesCostsOverTheSameTasksAndSeeds) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2", "mrpc"}));
  for (std::size_t i = 0; i < run.records.size(); ++i) run.records[i].training_s = i < 6 ? 10 : 1000;
  run.records.erase(run.records.begin() + 9, run.records.end());  // lora on mrpc
  const std::vector<float> logits(400);
  for (checkpoint::TrialRecord& record : run.records)
    record.tensors.push_back({"logits.test", {200, 2}, logits, checkpoint::sha256_of_values(logits)});
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

TEST(Report, ShowsTheBestOfTheMethodsThatAnotherJoinsAsAnUpperBoundUnderItsProtocol) {
  SampleRun run = sample_run(small({"pfeiffer", "prefix", "lora", "unipelt"}, {"sst2", "tickets"}));
  EXPECT_TRUE(report_of(run).tables[0].bounds.empty());
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    run.grid.trials[i].protocol = "unipelt";
    run.records[i].spec = worker::to_json(run.grid.trials[i]);
  }
  std::ranges::fill(run.records[3].tests[0].predictions, 0.0);  // one seed of prefix on sst2
  const ReportModel model = report_of(run);
  const auto bound = std::ranges::find(model.tables[0].bounds, "max(pfeiffer, prefix)", &UpperBound::label);
  ASSERT_NE(bound, model.tables[0].bounds.end());
  const auto mean = [&](const char* method, const char* task) { return cell_of(model, method, task).summary.mean; };
  EXPECT_EQ(cell_of(model, "prefix", "sst2").summary.n, 2U);
  EXPECT_DOUBLE_EQ(*bound->scores[0], std::max(mean("pfeiffer", "sst2"), mean("prefix", "sst2")));
  EXPECT_DOUBLE_EQ(*bound->scores[1], std::max(mean("pfeiffer", "tickets"), mean("prefix", "tickets")));
  EXPECT_DOUBLE_EQ(*bound->average, (*bound->scores[0] + *bound->scores[1]) / 2);
  EXPECT_THAT(html(model, {}), HasSubstr("max(pfeiffer, prefix, lora)"));
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

}  // namespace
}  // namespace peftgrid::orchestrator
