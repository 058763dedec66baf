#include "worker/tasks/target_scale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace peftgrid::worker {
namespace {

TaskSpec regression(const std::string& targets = "standardized") {
  TaskSpec task;
  task.kind = "regression";
  task.targets = targets;
  return task;
}

TEST(TargetScale, IsMeanAndPopulationDeviationOfTheTrainingLabels) {
  const TargetScale scale = target_scale(regression(), std::vector<double>{1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(scale.mean, 3);
  EXPECT_DOUBLE_EQ(scale.deviation, std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(scale.target_of(5), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(scale.label_of(scale.target_of(4.25)), 4.25);
}

TEST(TargetScale, OnlyCentresLabelsThatAreAllEqual) {
  // 300 times 0.1 has no sum that divides to 0.1: what is left would be taken for a deviation.
  const TargetScale scale = target_scale(regression(), std::vector<double>(300, 0.1));
  EXPECT_EQ(scale.mean, 0.1);
  EXPECT_EQ(scale.deviation, 1);
  EXPECT_EQ(scale.target_of(0.1), 0);
}

TEST(TargetScale, HoldsForLabelsOfAnySize) {
  for (const double unit : {1e-200, 1e200}) {
    const TargetScale scale = target_scale(regression(), std::vector<double>{-unit, unit});
    EXPECT_EQ(scale.mean, 0) << unit;
    EXPECT_DOUBLE_EQ(scale.deviation, unit);
  }
  const TargetScale far = target_scale(regression(), std::vector<double>{1e9, 1e9 + 1});
  EXPECT_DOUBLE_EQ(far.mean, 1e9 + 0.5);
  EXPECT_DOUBLE_EQ(far.deviation, 0.5);
}

TEST(TargetScale, LeavesRawTargetsAndClassesToTheBit) {
  const std::vector<double> labels = {1, 2, 5};
  for (const TaskSpec& task : {regression("raw"), TaskSpec()}) {
    const TargetScale scale = target_scale(task, labels);
    for (const double value : {0.1, -3.7, 1e-300, 12345.678}) {
      EXPECT_EQ(scale.target_of(value), value);
      EXPECT_EQ(scale.label_of(value), value);
    }
  }
}

}  // namespace
}  // namespace peftgrid::worker
