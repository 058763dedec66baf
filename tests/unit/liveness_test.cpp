// Who is given up, and when: by a clock of the test's own.
#include "orchestrator/run/liveness.hpp"

#include <gmock/gmock.h>

namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Liveness, GivesUpARankThatIsSilentForTenSeconds) {
  Liveness liveness(2, 0);
  liveness.heard(0, 9);
  EXPECT_THAT(liveness.overdue(9.9), IsEmpty());
  const auto overdue = liveness.overdue(10.1);
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(overdue[0].rank, 1);
  EXPECT_THAT(overdue[0].why, HasSubstr("silent"));
}

TEST(Liveness, GivesUpARankThatBeatsButGetsNowhere) {
  Liveness liveness(1, 0);
  liveness.working(0, true, 0);
  for (int second = 1; second <= 61; ++second) {
    liveness.heard(0, second);
    liveness.beat(0, 5, 60, second);
  }
  EXPECT_THAT(liveness.overdue(60.9), IsEmpty());
  const auto overdue = liveness.overdue(61.1);
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_THAT(overdue[0].why, HasSubstr("no progress"));
}

TEST(Liveness, LetsARankWaitForWorkAsLongAsItLikes) {
  Liveness liveness(1, 0);
  liveness.beat(0, 5, 60, 1);
  liveness.heard(0, 1000);
  EXPECT_THAT(liveness.overdue(1001), IsEmpty());
}

TEST(Liveness, BlamesNobodyForTimeInWhichTheWatcherSlept) {
  Liveness liveness(1, 0);
  liveness.slept(100);
  EXPECT_THAT(liveness.overdue(109), IsEmpty());
  EXPECT_EQ(liveness.overdue(111).size(), 1U);
}

TEST(Liveness, NamesARankOnce) {
  Liveness liveness(1, 0);
  EXPECT_EQ(liveness.overdue(11).size(), 1U);
  EXPECT_THAT(liveness.overdue(12), IsEmpty());
}

}  // namespace
}  // namespace peftgrid::orchestrator
