#include "orchestrator/report/comparisons.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/more_seeds.hpp"
#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_reports.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::cell_of;
using tests::notes_of;
using tests::report_of;
using tests::said_of;
using tests::sample_run;
using tests::SampleOptions;
using tests::SampleRun;
using tests::set_right_rows;
using tests::small;
using tests::TemporaryFolder;

TEST(ReportComparisons, StarsWhatMayBeTheBestAndSaysWhoIsBehindTheBaseline) {
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

TEST(ReportComparisons, SaysOneWordOfManyMethodsOnce) {
  SampleRun run = sample_run(
      small({"full", "lora", "bitfit", "pfeiffer", "prefix", "prompt", "top_layers", "ia3", "head"}, {"sst2"}));
  for (std::size_t i = 0; i < run.records.size(); ++i) set_right_rows(run.records[i], i < 21 ? 2 : 150 + i % 3);
  const std::string said = said_of(report_of(run));
  EXPECT_THAT(said, HasSubstr("Against full, behind by at least so many points are ia3 ("));
  EXPECT_THAT(said, HasSubstr(") and head ("));
  EXPECT_THAT(said, Not(HasSubstr("head is behind")));
}

TEST(ReportComparisons, ClaimsNothingAboutMethodsFromOneSeed) {
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

TEST(ReportComparisons, ComparesNoMethodsThatShareNoTwoSeeds) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  run.records.erase(run.records.begin() + 2, run.records.begin() + 4);  // full has seeds 1 and 2, lora 2 and 3
  const ReportModel model = report_of(run);
  EXPECT_THAT(said_of(model), HasSubstr("sst2: no two methods share two seeds on the same rows; nothing is compared."));
  EXPECT_FALSE(cell_of(model, "lora", "sst2").verdict.starred || cell_of(model, "lora", "sst2").verdict.against);
}

TEST(ReportComparisons, SaysWhoStandsOutsideTheComparisons) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"sst2"}));
  run.records.erase(run.records.begin() + 7, run.records.end());  // head keeps one seed
  const ReportModel model = report_of(run);
  EXPECT_THAT(said_of(model), HasSubstr("; any may be the best of them. head is not compared: no two seeds shared with "
                                        "another on the same rows."));
  EXPECT_THAT(terminal_table(model), HasSubstr("the best of the compared methods is one of these"));
}

TEST(ReportComparisons, TakesNoModelWithNewBlocksForFullFineTuning) {
  EXPECT_TRUE(worker::is_baseline({"full", {{"pretrained_layers", std::int64_t{-1}}}}));
  EXPECT_FALSE(worker::is_baseline({"full", {{"pretrained_layers", std::int64_t{0}}}}));
}

TEST(ReportComparisons, ComparesWithTheBaselineThatIsAskedForAndSaysSo) {
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

TEST(ReportComparisons, ComparesOnlyWhatTheGridSaysBeforehand) {
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

TEST(ReportComparisons, KnowsWhichCellAnotherSeedWouldTellMostAbout) {
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

TEST(ReportComparisons, KeepsRunsThatSaidNothingApartFromThoseThatWorked) {
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

TEST(ReportComparisons, KeepsRunsApartWhoseOnlyStepHadTheRateZero) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  worker::TrialSpec spec = worker::trial_from_json(run.records[1].spec);
  spec.training.warmup = 0.06;
  run.records[1].spec = worker::to_json(spec);
  run.records[1].steps = 1;
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "full", "sst2").summary.n, 2U);
  EXPECT_THAT(said_of(model), HasSubstr("full trained nothing in 1 of 3 seeds"));
}

TEST(ReportComparisons, SaysWhatDoesNotVaryWhereAScoreIsUndefined) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"stsb"}));
  const auto undefined = std::numeric_limits<double>::quiet_NaN();
  for (checkpoint::TrialRecord& record : run.records) record.tests[0].metrics[0].second = undefined;
  run.records[0].tests[0].predictions.assign(200, 2.5);
  run.records[3].tests[0].labels.assign(200, 2.5);
  const ReportModel model = report_of(run);
  EXPECT_EQ(
      notes_of(model, cell_of(model, "full", "stsb")),
      "spearman is undefined for 2 of 3 seeds\nspearman is undefined for 1 of 3 seeds: its predictions do not vary\n");
  EXPECT_THAT(notes_of(model, cell_of(model, "lora", "stsb")), HasSubstr("1 of 3 seeds: the labels do not vary"));
  EXPECT_EQ(notes_of(model, cell_of(model, "head", "stsb")), "spearman is undefined for 3 of 3 seeds\n");
}

TEST(ReportComparisons, ComparesNoRegressionWhosePredictionsDoNotVaryAndSaysSo) {
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

TEST(ReportComparisons, SaysThatNothingIsComparedWhereEveryRunPredictsOneValue) {
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

TEST(ReportComparisons, TakesTheFirstMethodForBaselineWhereThereIsNoFullFineTuning) {
  const ReportModel model = report_of(sample_run(small({"lora", "head"})));
  EXPECT_EQ(model.tables[0].rules.baseline, "lora");
  EXPECT_TRUE(cell_of(model, "head", "sst2").verdict.against);
}

TEST(ReportComparisons, LeavesRunsOnOtherTestRowsOutOfComparisons) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  for (double& label : run.records[5].tests[0].labels) label = 1 - label;
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "lora", "sst2").verdict.against->comparison.seeds, 2U);
  EXPECT_THAT(markdown(model, {}), HasSubstr("runs of lora were tested on other rows than most"));
}

TEST(ReportComparisons, AreOfTheRowsThatMostRunsHaveWhicheverComesFirst) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  checkpoint::TestResult& first = run.records[0].tests[0];
  first.labels.pop_back();
  first.predictions.pop_back();
  const ReportModel model = report_of(run);
  EXPECT_EQ(model.tables[0].columns[0].rows, first.labels.size() + 1);
  EXPECT_EQ(cell_of(model, "lora", "sst2").verdict.against->comparison.seeds, 2U);
  EXPECT_THAT(markdown(model, {}), HasSubstr("runs of full were tested on other rows than most"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
