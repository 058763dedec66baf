#include "orchestrator/report/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "orchestrator/report/pseudo_values.hpp"
#include "orchestrator/report/scores.hpp"

namespace peftgrid::orchestrator {
namespace {

using nlohmann::json;
constexpr double kClose = 1e-10;

json golden() {
  std::ifstream in(PEFTGRID_SOURCE "/tests/golden/statistics.json");
  return json::parse(in);
}

void expect_interval(const std::optional<Interval>& interval, const json& expected) {
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->low, expected[0].get<double>(), kClose);
  EXPECT_NEAR(interval->high, expected[1].get<double>(), kClose);
}

TEST(Statistics, AgreeWithScipy) {
  for (const json& sample : golden()["samples"]) {
    const std::vector<double> a = sample["a"];
    EXPECT_NEAR(summarize(a).mean, sample["mean"].get<double>(), kClose);
    EXPECT_NEAR(*summarize(a).sd, sample["sd"].get<double>(), kClose);
    expect_interval(mean_interval(a), sample["mean_interval"]);
  }
  for (const json& share : golden()["shares"]) {
    expect_interval(share_interval(share["some"], share["all"]), json{share["low"], share["high"]});
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

TEST(Statistics, PseudoValuesAgreeWithNumpy) {
  for (const json& row : golden()["scores"]) {
    for (const auto& [metric, expected] : row["pseudo_values"].items()) {
      const auto values = pseudo_values(metric, row["labels"], row["predictions"]);
      ASSERT_EQ(values.size(), expected.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(values[i], expected[i].get<double>(), kClose) << metric;
    }
    for (const auto& [metric, expected] : row["row_worth"].items()) {
      EXPECT_NEAR(row_worth(metric, row["labels"]), expected.get<double>(), kClose) << metric;
    }
  }
}

/// n s - (n - 1) s' with each row left out in turn.
std::vector<double> by_leaving_out(const std::string& metric, const json& row) {
  const std::vector<double> labels = row["labels"], predictions = row["predictions"];
  const auto n = static_cast<double>(labels.size());
  std::vector<double> values;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    auto some_labels = labels, some_predictions = predictions;
    some_labels.erase(some_labels.begin() + static_cast<std::ptrdiff_t>(i));
    some_predictions.erase(some_predictions.begin() + static_cast<std::ptrdiff_t>(i));
    values.push_back(n * *score(metric, labels, predictions) - (n - 1) * *score(metric, some_labels, some_predictions));
  }
  return values;
}

TEST(Statistics, PseudoValuesAreWhatLeavingRowsOutGives) {
  const json rows = golden()["scores"];
  const auto expect_near = [&](const json& row, const std::string& metric, double error) {
    const auto values = pseudo_values(metric, row["labels"], row["predictions"]), brute = by_leaving_out(metric, row);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], brute[i], error) << metric;
  };
  for (const char* metric : {"accuracy", "f1", "macro_f1", "weighted_f1", "matthews"}) {
    expect_near(rows[0], metric, kClose);
  }
  for (const json& row : {rows[4], rows[5]}) {
    for (const char* metric : {"pearson", "mse", "mae"}) expect_near(row, metric, kClose);
    expect_near(row, "spearman", 5.0 / static_cast<double>(row["labels"].size()));
  }
}

TEST(Statistics, OneValueHasNoSpreadAndNoInterval) {
  EXPECT_FALSE(summarize({0.5}).sd.has_value());
  EXPECT_FALSE(mean_interval({0.5}).has_value());
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
