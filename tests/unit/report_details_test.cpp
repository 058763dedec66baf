#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "orchestrator/report/class_scores.hpp"
#include "orchestrator/report/learning_curves.hpp"
#include "orchestrator/report/plots.hpp"
#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_reports.hpp"

/// What the page shows beyond tables: single classes, and how training went.
namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::report_of;
using tests::sample_run;
using tests::SampleRun;
using tests::small;

/// Six rows of three classes on every trial: 0 0 0 1 1 2.
SampleRun six_rows() {
  SampleRun run = sample_run(small({"full", "lora"}, {"tickets"}));
  for (checkpoint::TrialRecord& record : run.records) {
    record.tests[0].labels = {0, 0, 0, 1, 1, 2};
    record.tests[0].predictions = {0, 0, 1, 1, 1, 1};
  }
  return run;
}

TEST(ReportDetails, EachClassHasItsScores) {
  const ReportModel model = report_of(six_rows());
  ASSERT_EQ(model.tables[0].classes.size(), 1U);
  const ClassScores& scores = model.tables[0].classes[0];
  EXPECT_EQ(scores.labels, (std::vector<std::string>{"billing", "delivery", "other"}));
  EXPECT_EQ(scores.rows, (std::vector<std::size_t>{3, 2, 1}));
  ASSERT_EQ(scores.methods.size(), 2U);
  const ClassScores::Method& full = scores.methods[0];
  EXPECT_EQ(full.seeds, 3U);
  EXPECT_DOUBLE_EQ(full.precision[0], 1);
  EXPECT_DOUBLE_EQ(full.recall[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(full.f1[0], 0.8);
  EXPECT_DOUBLE_EQ(full.f1[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(full.f1[2], 0) << "never predicted";
  EXPECT_DOUBLE_EQ(full.confusion[0 * 3 + 1], 1.0 / 3);
  EXPECT_DOUBLE_EQ(full.confusion[2 * 3 + 1], 1);
}

TEST(ReportDetails, ClassesAreMeansOverTheRunsThatWorked) {
  SampleRun run = six_rows();
  run.records[0].tests[0].predictions = {0, 0, 0, 1, 1, 2};
  run.records[1].tests[0].predictions = {1, 1, 1, 1, 1, 1};  // predicts one class
  const ReportModel model = report_of(run);
  const ClassScores::Method& full = model.tables[0].classes[0].methods[0];
  EXPECT_EQ(full.seeds, 2U);
  EXPECT_DOUBLE_EQ(full.recall[0], (1 + 2.0 / 3) / 2);
}

TEST(ReportDetails, TheClassTableSaysScoreAndRows) {
  const ReportModel model = report_of(six_rows());
  const TextTable layout = class_layout(model.tables[0].classes[0]);
  EXPECT_EQ(layout.rows[0][1].text, "80.0 (100.0 / 66.7)");
  EXPECT_EQ(layout.rows.back()[1].text, "3");
  const TextTable confusion = confusion_layout(model.tables[0].classes[0], model.tables[0].classes[0].methods[0]);
  EXPECT_EQ(confusion.rows[0][2].text, "33.3");
  EXPECT_THAT(html(model, {}), HasSubstr("<summary>tickets: each class</summary>"));
}

TEST(ReportDetails, ARegressionHasNoClasses) {
  EXPECT_TRUE(report_of(sample_run(small({"full"}, {"stsb"}))).tables[0].classes.empty());
}

TEST(ReportDetails, ACurveIsTheMeanOfTheSeedsAsFarAsAllWent) {
  SampleRun run = sample_run(small({"full"}, {"sst2"}));
  run.records[0].curve = {{20, 1, 0.6, 0.5}, {40, 2, 0.4, 0.6}, {60, 3, 0.2, 0.7}};
  run.records[1].curve = {{20, 1, 0.8, 0.7}, {40, 2, 0.6, 0.8}};
  run.records[2].state = "diverged";
  const ReportModel model = report_of(run);
  const ScoreTable& table = model.tables[0];
  const auto scores = learning_curves(model, table, table.columns[0], Curve::SelectionScore);
  ASSERT_EQ(scores.size(), 1U);
  ASSERT_EQ(scores[0].points.size(), 2U);
  EXPECT_DOUBLE_EQ(scores[0].points[1].x, 2);
  EXPECT_DOUBLE_EQ(scores[0].points[1].y, 70);
  EXPECT_DOUBLE_EQ(learning_curves(model, table, table.columns[0], Curve::TrainingLoss)[0].points[0].y, 0.7);
}

TEST(ReportDetails, ThereIsNoCurveOfScoresWhereNothingSelects) {
  SampleRun run = sample_run(small({"full"}, {"sst2"}));
  for (checkpoint::TrialRecord& record : run.records) {
    for (checkpoint::CurvePoint& point : record.curve) point.selection_score = std::nan("");
  }
  const ReportModel model = report_of(run);
  const ScoreTable& table = model.tables[0];
  EXPECT_TRUE(learning_curves(model, table, table.columns[0], Curve::SelectionScore).empty());
  EXPECT_EQ(learning_curves(model, table, table.columns[0], Curve::TrainingLoss).size(), 1U);
}

TEST(ReportDetails, PlotsShowHowTrainingWent) {
  const ReportModel model = report_of(sample_run(small({"full", "lora"}, {"mrpc"})));
  const std::vector<Plot> plots = plan_plots(model);
  const auto of = [&](const std::string& file) {
    return std::ranges::count_if(plots, [&](const Plot& plot) { return plot.file.find(file) != std::string::npos; });
  };
  EXPECT_EQ(of("/learning-"), 1);
  EXPECT_EQ(of("/loss-"), 1);
}

}  // namespace
}  // namespace peftgrid::orchestrator
