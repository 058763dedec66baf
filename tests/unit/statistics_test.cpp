#include "orchestrator/report/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "orchestrator/report/scores.hpp"

namespace peftgrid::orchestrator {
namespace {

using nlohmann::json;
constexpr double kClose = 1e-10;

json golden() {
  std::ifstream in(PEFTGRID_SOURCE "/tests/golden/statistics.json");
  return json::parse(in);
}

BySeed by_seed(const std::vector<double>& values) {
  BySeed scores;
  for (std::size_t i = 0; i < values.size(); ++i) scores[{i, i}] = values[i];
  return scores;
}

void expect_interval(const std::optional<Interval>& interval, const json& expected) {
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->low, expected[0].get<double>(), kClose);
  EXPECT_NEAR(interval->high, expected[1].get<double>(), kClose);
}

TEST(Statistics, AgreeWithScipy) {
  for (const json& sample : golden()["samples"]) {
    const std::vector<double> a = sample["a"], b = sample["b"];
    EXPECT_NEAR(summarize(a).mean, sample["mean"].get<double>(), kClose);
    EXPECT_NEAR(*summarize(a).sd, sample["sd"].get<double>(), kClose);
    expect_interval(mean_interval(a), sample["mean_interval"]);
    const auto paired = paired_difference(by_seed(a), by_seed(b));
    ASSERT_TRUE(paired.has_value());
    EXPECT_EQ(paired->n, std::min(a.size(), b.size()));
    EXPECT_NEAR(paired->difference, sample["paired"].get<double>(), kClose);
    expect_interval(paired->interval, sample["paired_interval"]);
    const Estimate welch = welch_difference(by_seed(a), by_seed(b));
    EXPECT_NEAR(welch.difference, sample["welch"].get<double>(), kClose);
    expect_interval(welch.interval, sample["welch_interval"]);
  }
}

TEST(Statistics, ScoresAgreeWithScikitLearn) {
  for (const json& row : golden()["scores"]) {
    for (const auto& [metric, expected] : row["scores"].items()) {
      const auto value = score(metric, row["labels"], row["predictions"]);
      ASSERT_TRUE(value.has_value()) << metric;
      EXPECT_NEAR(*value, expected.get<double>(), kClose) << metric;
    }
  }
}

TEST(Statistics, OneValueHasNoSpreadAndNoInterval) {
  EXPECT_FALSE(summarize({0.5}).sd.has_value());
  EXPECT_FALSE(mean_interval({0.5}).has_value());
  EXPECT_FALSE(paired_difference(by_seed({0.5}), by_seed({0.4}))->interval.has_value());
  EXPECT_FALSE(welch_difference(by_seed({0.5}), by_seed({0.4, 0.5})).interval.has_value());
}

TEST(Statistics, PairsOnlySharedSeeds) {
  BySeed a = by_seed({0.5, 0.6}), b;
  b[{1, 1}] = 0.5;
  b[{1, 7}] = 0.9;  // the same seed on other data is no pair
  const auto paired = paired_difference(a, b);
  ASSERT_TRUE(paired.has_value());
  EXPECT_EQ(paired->n, 1U);
  EXPECT_NEAR(paired->difference, 0.1, kClose);
  b.erase({1, 1});
  EXPECT_FALSE(paired_difference(a, b).has_value());
}

TEST(Statistics, EqualDifferencesGiveAPointAsInterval) {
  const auto paired = paired_difference(by_seed({0.5, 0.75}), by_seed({0.25, 0.5}));
  ASSERT_TRUE(paired->interval.has_value());
  EXPECT_DOUBLE_EQ(paired->interval->low, 0.25);
  EXPECT_DOUBLE_EQ(paired->interval->high, 0.25);
}

TEST(Statistics, BootstrapIsNearTheBinomialErrorAndRepeats) {
  std::vector<double> labels(1000, 1), predictions(1000, 1);
  for (std::size_t i = 0; i < 200; ++i) predictions[i] = 0;
  const Metric accuracy = [](const auto& l, const auto& p) { return score("accuracy", l, p); };
  const auto error = bootstrap_error(labels, predictions, accuracy);
  ASSERT_TRUE(error.has_value());
  EXPECT_NEAR(*error, binomial_error(0.8, 1000), 0.002);
  EXPECT_EQ(*error, *bootstrap_error(labels, predictions, accuracy));
  EXPECT_FALSE(bootstrap_error({}, {}, accuracy).has_value());
}

TEST(Statistics, MajorityScoresKnowTheirMetric) {
  const std::vector<double> labels = {1, 1, 1, 0};
  EXPECT_DOUBLE_EQ(*majority_score("accuracy", labels), 0.75);
  EXPECT_DOUBLE_EQ(*majority_score("f1", labels), 6.0 / 7);
  EXPECT_DOUBLE_EQ(*majority_score("f1", {0, 0, 1}), 0);
  EXPECT_DOUBLE_EQ(*majority_score("matthews", labels), 0);
  EXPECT_FALSE(majority_score("pearson", labels).has_value());
}

TEST(Statistics, UndefinedScoresAreNothing) {
  EXPECT_FALSE(score("pearson", {1, 2, 3}, {2, 2, 2}).has_value());
  EXPECT_FALSE(score("spearman", {1, 2, 3}, {1, std::nan(""), 3}).has_value());
  EXPECT_FALSE(score("accuracy", {}, {}).has_value());
}

}  // namespace
}  // namespace peftgrid::orchestrator
