#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/more_seeds.hpp"
#include "orchestrator/report/plots.hpp"
#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_reports.hpp"
#include "worker/tasks/metrics.hpp"

/// Tables of errors (mse, mae): in the label's units, the lower the better.
namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::cell_of;
using tests::report_of;
using tests::said_of;
using tests::sample_run;
using tests::SampleRun;
using tests::small;

/// Predictions that are so far from their labels, above and below in turn.
void set_distance(checkpoint::TrialRecord& record, double distance) {
  checkpoint::TestResult& test = record.tests[0];
  for (std::size_t row = 0; row < test.labels.size(); ++row)
    test.predictions[row] = test.labels[row] + (row % 2 == 0 ? distance : -distance) * (row % 3 == 0 ? 0.5 : 1.25);
  for (auto& [name, value] : test.metrics) value = worker::metric(name, test.labels, test.predictions);
}

/// Three seeds of full, lora and head at these mean distances.
SampleRun prices(double full, double lora, double head) {
  SampleRun run = sample_run(small({"full", "lora", "head"}, {"prices"}));
  for (std::size_t i = 0; i < run.records.size(); ++i)
    set_distance(run.records[i], (i < 3   ? full
                                  : i < 6 ? lora
                                          : head) +
                                     0.002 * static_cast<double>(i % 9 == 3   ? 2
                                                                 : i % 9 == 5 ? 0
                                                                              : i % 3));
  return run;
}

TEST(ReportErrors, TheLowestIsTheBest) {
  const ReportModel model = report_of(prices(0.5, 0.3, 0.9));
  EXPECT_EQ(cell_of(model, "lora", "prices").verdict.against->word, Word::Ahead);
  EXPECT_EQ(cell_of(model, "head", "prices").verdict.against->word, Word::Behind);
  EXPECT_NEAR(cell_of(model, "lora", "prices").verdict.against->comparison.difference, 0.2, 3e-3);
  EXPECT_TRUE(cell_of(model, "lora", "prices").verdict.starred);
  EXPECT_FALSE(cell_of(model, "full", "prices").verdict.starred);
  EXPECT_THAT(said_of(model), HasSubstr("prices, mae: with 95 % confidence the best method is lora."));
}

TEST(ReportErrors, AreWrittenInTheLabelsUnits) {
  const ReportModel model = report_of(prices(0.5, 0.3, 0.9));
  const TextTable layout = score_layout(model.tables[0]);
  EXPECT_EQ(layout.rows[0][1].text, "0.501 ± 0.002");
  EXPECT_EQ(layout.rows[1][2].text.substr(0, 6), "+0.200");
  EXPECT_THAT(said_of(model), HasSubstr("lora is ahead by at least 0."));
  EXPECT_THAT(said_of(model), Not(HasSubstr("point")));
  EXPECT_THAT(markdown(model, {}), HasSubstr("× 100 (mae as they are), with"));
  EXPECT_THAT(markdown(model, {}), HasSubstr("Of mae lower is better"));
}

TEST(ReportErrors, VeryLargeAndVerySmallOnesAreWrittenWithAPowerOfTen) {
  EXPECT_EQ(Scale::units(2.2e12).mean(2207156368566), "2.21e12");
  EXPECT_EQ(Scale::units(2.2e12).signed_number(3.29e11), "+0.33e12");
  EXPECT_EQ(Scale::units(9.2e-13).number(9.24e-13), "9.24e-13");
  EXPECT_EQ(Scale::units(0.5).number(0.5), "0.500");
  EXPECT_EQ(Scale::units(12345).number(12345), "12345");
  EXPECT_EQ(Scale::units(25).amount(0.0041), "0.0041") << "more than nothing";
  EXPECT_EQ(Scale::units(25).mean(1.7412e5), "1.74e5") << "far from what is usual";
  EXPECT_EQ(Scale::units(2.2e12).number(17.24), "17.2");
  EXPECT_EQ(Scale::units(25).number(99999.97), "100000.0") << "on the edge between both";
  EXPECT_EQ(Scale::units(99999.97).number(99999.97), "100000");
  EXPECT_EQ(Scale::units(2.2e12).number(0), "0.00e12");
}

TEST(ReportErrors, OfErrorsAloneNothingIsSaidOfPoints) {
  const std::string page = markdown(report_of(prices(0.5, 0.3, 0.9)), {});
  EXPECT_THAT(page, Not(HasSubstr("less than 1 point")));
  EXPECT_THAT(page, HasSubstr("Nothing is called as good on prices: only the task"));
}

TEST(ReportErrors, FurtherMetricsAreNamedWhereATaskHasSeveral) {
  const SampleRun run = prices(0.5, 0.3, 0.9);
  const tests::TemporaryFolder folder;
  tests::write_run(folder.path() / "run", run);
  const ReportModel model = build_report({folder.path() / "run"}, {"", {}, true});
  EXPECT_THAT(markdown(model, {}), HasSubstr("prices, spearman: "));
  EXPECT_THAT(markdown(model, {}), HasSubstr("prices, mse: "));
}

TEST(ReportErrors, AnIntervalOfAnErrorEndsAtNought) {
  const ReportModel model = report_of(prices(1e-4, 0.3, 0.9));
  const Interval& interval = *cell_of(model, "full", "prices").interval;
  EXPECT_GE(interval.low, 0);
  EXPECT_LT(interval.low, cell_of(model, "full", "prices").summary.mean);
  EXPECT_GT(interval.high, cell_of(model, "full", "prices").summary.mean);
}

TEST(ReportErrors, ADifferenceDoesNotMatterWhereTheTaskSaysSo) {
  SampleRun run = prices(0.5, 0.5, 0.9);
  run.grid.margin = 50;
  EXPECT_EQ(cell_of(report_of(run), "lora", "prices").verdict.against->word, Word::NotToldApart);
  run.grid.task_margins["prices"] = 0.1;
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "lora", "prices").verdict.against->word, Word::AsGood);
  EXPECT_THAT(said_of(model), HasSubstr("as good to within 0.1"));
  EXPECT_THAT(markdown(model, {}), HasSubstr("less than the task's margin (prices: 0.1) away"));
}

TEST(ReportErrors, TakeNoPartInAveragesAndAreNotKept) {
  const ReportModel model = report_of(sample_run(small({"full", "lora"}, {"sst2", "prices", "mrpc"})));
  const ScoreTable& table = model.tables[0];
  EXPECT_EQ(table.averaged, (std::vector<std::size_t>{0, 2}));
  const ReportModel alone = report_of(prices(0.5, 0.503, 0.9));
  EXPECT_EQ(score_layout(alone.tables[0]).rows[1][3].text, "–") << "keeps";
}

TEST(ReportErrors, HaveDrawingsOfTheirOwn) {
  const ReportModel model = report_of(sample_run(small({"full", "lora"}, {"sst2", "prices", "mrpc"})));
  const std::vector<Plot> forests = forest_plots(model.tables[0]);
  ASSERT_EQ(forests.size(), 2U);
  EXPECT_THAT(forests[0].script, Not(HasSubstr("prices")));
  EXPECT_THAT(forests[1].script, HasSubstr("mae, + is better, against full"));
}

TEST(ReportErrors, AnotherSeedOfOneWithoutAMarginIsAskedForLast) {
  SampleRun run = sample_run(small({"full", "lora"}, {"prices", "sst2"}));
  Plan plan;
  plan.seconds.assign(run.grid.trials.size(), 10);
  const auto more = more_seeds(report_of(run), run.grid, plan);
  ASSERT_FALSE(more.empty());
  EXPECT_EQ(more.front().task, "sst2");
}

}  // namespace
}  // namespace peftgrid::orchestrator
