#include "orchestrator/run/end_estimate.hpp"

#include <gtest/gtest.h>

namespace peftgrid::orchestrator {
namespace {

TEST(EndEstimate, SharesWhatWaitsAndRunsAmongTheRanks) {
  EndEstimate end;
  end.look({{10, 1}, {10, 1}}, {{10, 1, 94}}, 2, 100);
  EXPECT_DOUBLE_EQ(end.left_s(100), (10 + 10 + 4) / 2.0);
}

TEST(EndEstimate, CountsDownByTheClockBetweenTwoLooks) {
  EndEstimate end;
  end.look({{10, 1}}, {}, 1, 100);
  EXPECT_DOUBLE_EQ(end.left_s(103), 7);
  EXPECT_DOUBLE_EQ(end.left_s(120), 0);
}

TEST(EndEstimate, IsNeverLessThanTheLongestTrialTakes) {
  EndEstimate end;
  end.look({{30, 1}}, {}, 8, 100);
  EXPECT_DOUBLE_EQ(end.left_s(100), 30);
}

TEST(EndEstimate, LearnsFromFinishedTrialsHowFarPredictionsAreOff) {
  EndEstimate end;
  end.finished(10, 20);
  end.look({{10, 1}}, {}, 1, 100);
  EXPECT_DOUBLE_EQ(end.left_s(100), 20);
}

TEST(EndEstimate, TakesATrialThatIsOverItsTimeForNearlyDone) {
  EndEstimate end;
  end.look({}, {{10, 1, 50}}, 1, 100);
  EXPECT_DOUBLE_EQ(end.left_s(100), 0.5);
}

}  // namespace
}  // namespace peftgrid::orchestrator
