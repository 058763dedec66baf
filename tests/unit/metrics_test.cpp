#include "worker/tasks/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

namespace peftgrid::worker {
namespace {

using nlohmann::json;

json cases() {
  std::ifstream in(PEFTGRID_SOURCE "/tests/golden/metrics.json");
  return json::parse(in);
}

TEST(Metrics, AgreeWithScikitLearnAndScipy) {
  int compared = 0;
  for (const json& golden : cases()) {
    const std::vector<double> labels = golden["labels"], predictions = golden["predictions"];
    for (const auto& [name, expected] : golden["metrics"].items()) {
      SCOPED_TRACE(golden["name"].get<std::string>() + ", " + name);
      const double value = metric(name, labels, predictions);
      ++compared;
      if (expected.is_null()) {
        EXPECT_TRUE(std::isnan(value));
      } else {
        EXPECT_NEAR(value, expected.get<double>(), 1e-12);
      }
    }
  }
  EXPECT_GT(compared, 50);
}

TEST(Metrics, ACorrelationWithAnUndefinedPredictionIsUndefined) {
  const std::vector<double> labels = {1, 2, 3}, predictions = {1, std::nan(""), 3};
  EXPECT_TRUE(std::isnan(metric("pearson", labels, predictions)));
  EXPECT_TRUE(std::isnan(metric("spearman", labels, predictions)));
}

TEST(Metrics, EmptyOrUnequalInputIsRefused) {
  EXPECT_THROW(metric("accuracy", {}, {}), std::invalid_argument);
  const std::vector<double> one = {1}, two = {1, 2};
  EXPECT_THROW(metric("accuracy", one, two), std::invalid_argument);
  EXPECT_THROW(metric("recall", one, one), std::invalid_argument);
}

}  // namespace
}  // namespace peftgrid::worker
