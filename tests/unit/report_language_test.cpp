// Tables of perplexities, and of the pretrained model as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/plots.hpp"
#include "orchestrator/report/pseudo_values.hpp"
#include "orchestrator/report/writers.hpp"
#include "tests/support/sample_reports.hpp"
#include "worker/tasks/metrics.hpp"

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
using Values = std::vector<double>;

const Values kTokens{3, 12, 7, 30, 5}, kNats{9, 20, 11, 95, 4};

TEST(Perplexity, IsOfAllTokensTogether) {
  EXPECT_NEAR(worker::metric("perplexity", kTokens, kNats), std::exp(139.0 / 57.0), 1e-12);
}

TEST(Perplexity, IsComparedByItsLogarithmWithRowsLeftOut) {
  const Values values = pseudo_values("perplexity", kTokens, kNats);
  for (std::size_t i = 0; i < kTokens.size(); ++i) {
    Values tokens = kTokens, nats = kNats;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i));
    nats.erase(nats.begin() + static_cast<std::ptrdiff_t>(i));
    const double whole = std::log(worker::metric("perplexity", kTokens, kNats));
    const double without = std::log(worker::metric("perplexity", tokens, nats));
    EXPECT_NEAR(values[i], 5 * whole - 4 * without, 1e-9);
  }
}

/// Three seeds of full and lora; lora's rows cost so many nats a token more, with a little scatter.
SampleRun stories(double more) {
  SampleRun run = sample_run(small({"full", "lora"}, {"stories"}));
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    checkpoint::TestResult& test = run.records[i].tests[0];
    const double nats = 2 + (i < 3 ? 0 : more) + 0.004 * static_cast<double>(i % 3);
    for (std::size_t row = 0; row < test.labels.size(); ++row)
      test.predictions[row] = test.labels[row] * (nats + 0.001 * static_cast<double>((row + i) % 5));
    test.metrics[0].second = worker::metric("perplexity", test.labels, test.predictions);
  }
  return run;
}

TEST(ReportOfALanguageModel, TheLowestPerplexityIsTheBest) {
  const ReportModel model = report_of(stories(0.2));
  EXPECT_EQ(cell_of(model, "lora", "stories").verdict.against->word, Word::Behind);
  EXPECT_TRUE(cell_of(model, "full", "stories").verdict.starred);
}

TEST(ReportOfALanguageModel, ShowsPerplexitiesAndDifferencesInNatsAToken) {
  const ReportModel model = report_of(stories(0.2));
  const ScoreCell& cell = cell_of(model, "lora", "stories");
  EXPECT_NEAR(cell.summary.mean, std::exp(2.206), 0.01);
  EXPECT_NEAR(cell.verdict.against->comparison.difference, -0.2, 2e-3);
  EXPECT_LT(cell.interval->low, cell.summary.mean);
  EXPECT_GT(cell.interval->high, cell.summary.mean);
  EXPECT_GT(cell.interval->low, 9);
  EXPECT_EQ(score_layout(model.tables[0]).rows[1][2].text.substr(0, 6), "-0.200");
  EXPECT_THAT(said_of(model), HasSubstr("nats"));
  EXPECT_THAT(said_of(model), Not(HasSubstr("point")));
  EXPECT_THAT(markdown(model, {}), HasSubstr("differences are in nats a token"));
}

TEST(ReportOfALanguageModel, MeansAreGeometricAsDifferencesAreOfLogarithms) {
  SampleRun run = stories(0);
  double sum = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    checkpoint::TestResult& test = run.records[i].tests[0];
    for (double& nats : test.predictions) nats *= i == 3 ? 200 : 1;
    test.metrics[0].second = worker::metric("perplexity", test.labels, test.predictions);
    if (i >= 3) sum += std::log(test.metrics[0].second) / 3;
  }
  const ReportModel model = report_of(run);
  const ScoreCell& cell = cell_of(model, "lora", "stories");
  EXPECT_NEAR(std::log(cell.summary.mean), sum, 1e-9);
  EXPECT_TRUE(std::isfinite(*cell.summary.sd));
  EXPECT_LT(score_layout(model.tables[0]).rows[1][1].text.size(), 24U) << "no hundred digits";
  EXPECT_THAT(markdown(model, {}), HasSubstr("Means of perplexity are geometric"));
}

TEST(ReportOfALanguageModel, WorseThanAGuessAmongAllTokensIsAFailure) {
  SampleRun run = stories(0);
  for (std::size_t i = 0; i < 6; ++i) {
    worker::TrialSpec spec = worker::trial_from_json(run.records[i].spec);
    spec.backbone.vocabulary = 500;
    run.records[i].spec = worker::to_json(spec);
    checkpoint::TestResult& test = run.records[i].tests[0];
    for (double& nats : test.predictions) nats *= i == 3 ? 4 : 1;
    test.metrics[0].second = worker::metric("perplexity", test.labels, test.predictions);
  }
  const ReportModel model = report_of(run);
  EXPECT_EQ(cell_of(model, "lora", "stories").collapsed, 1U);
  EXPECT_EQ(cell_of(model, "lora", "stories").scores.size(), 2U);
  EXPECT_THAT(said_of(model), HasSubstr("lora is worse than a guess among all tokens in 1 of 3 seeds"));
  EXPECT_THAT(markdown(model, {}), HasSubstr("1 of 3 seeds above 500, the perplexity of a guess among all tokens"));
}

TEST(ReportOfALanguageModel, IsDrawnOnAnAxisOfPowersWhereMethodsLieFarApart) {
  const auto drawn = [](double more) {
    std::string scripts;
    for (const Plot& plot : plan_plots(report_of(stories(more)))) scripts += plot.script;
    return scripts;
  };
  EXPECT_THAT(drawn(9), HasSubstr("set logscale y"));
  EXPECT_THAT(drawn(0.2), Not(HasSubstr("set logscale y")));
}

TEST(ReportOfALanguageModel, HasNoMajorityAndNothingCollapses) {
  const ReportModel model = report_of(stories(0));
  EXPECT_FALSE(model.tables[0].columns[0].majority.has_value());
  EXPECT_EQ(cell_of(model, "lora", "stories").collapsed, 0U);
}

void add_untrained(SampleRun& run) {
  worker::TrialSpec spec = tests::sample_spec("full", "stories", 0, 1);
  spec.label = spec.method.name = "none";
  spec.id = worker::trial_id(spec);
  spec.cell = worker::cell_id(spec);
  run.grid.cells.push_back({spec.cell, "minilm", "stories", "none", kNoTrainingRows, {run.grid.trials.size()}, {}});
  run.grid.trials.push_back(spec);
  run.records.push_back(tests::sample_record(spec, 0.1, small({"full"}, {"stories"})));
}

ReportModel with_untrained() {
  SampleRun run = sample_run(small({"full"}, {"stories"}));
  add_untrained(run);
  return report_of(run);
}

TEST(ReportOfTheUntrainedModel, ShowsItBesideWhatTrainedAtEverySize) {
  const ReportModel model = with_untrained();
  ASSERT_EQ(model.tables.size(), 1U);
  for (const ScoreTable& table : model.tables) {
    Values scores;
    for (const MethodRow& row : table.rows) {
      if (row.label == "none") scores.push_back(row.cells[0].summary.mean);
    }
    EXPECT_EQ(scores.size(), 1U) << table.heading;
  }
  EXPECT_THAT(markdown(model, {}), Not(HasSubstr("no training rows")));
}

TEST(ReportOfTheUntrainedModel, SaysWhichMethodsBeatIt) {
  const ReportModel model = with_untrained();
  EXPECT_GT(cell_of(model, "full", "stories").over_untrained->low, 0);
  EXPECT_THAT(said_of(model), testing::ContainsRegex("full beats the untrained model, by at least 0\\.[0-9]+ nats\\."));
}

TEST(ReportOfTheUntrainedModel, AsABaselineSaysThatNothingIsPairedWithIt) {
  SampleRun run = stories(0.2);
  add_untrained(run);
  run.grid.compare = {"none", "full", "lora"};
  EXPECT_THAT(said_of(report_of(run)), HasSubstr("`compare` or --baseline names another one"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
