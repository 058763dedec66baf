// What a log is told while a grid runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "orchestrator/display/display.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;

TEST(PlainDisplay, TrialsThatEndInOneMomentAreCountedOneByOne) {
  const auto display = make_display("plain", Grid{}, {}, 2);
  worker::TrialSpec spec;
  spec.task.metrics = {"accuracy"};
  worker::TrialOutcome done;
  done.state = worker::TrialOutcome::State::Done;
  testing::internal::CaptureStdout();
  display->ended(0, spec, done);
  display->lost(1, "node7", "it hung");
  display->ended(1, spec, done);
  Overview overview;
  overview.done = 2;
  overview.total = 4;
  display->show(overview, true);
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_THAT(text, HasSubstr("[1/4] rank 0"));
  EXPECT_THAT(text, HasSubstr("[1/4] rank 1 on node7"));
  EXPECT_THAT(text, HasSubstr("[2/4] rank 1"));
}

TEST(PlainDisplay, SaysWhetherTheOthersOutliveALostRank) {
  const auto said = [] {
    testing::internal::CaptureStdout();
    const auto display = make_display("plain", Grid{}, {}, 2);
    display->lost(1, "node7", "died");
    display->show(Overview{}, true);
    return testing::internal::GetCapturedStdout();
  };
  setenv("OMPI_COMM_WORLD_RANK", "0", 1);
  unsetenv("OMPI_MCA_orte_enable_recovery");
  EXPECT_THAT(said(),
              HasSubstr("rank 1 on node7 died: mpirun without --enable-recovery ends the run; the same command"));
  setenv("OMPI_MCA_orte_enable_recovery", "1", 1);
  EXPECT_THAT(said(), HasSubstr("rank 1 on node7 died: the others go on"));
  unsetenv("OMPI_COMM_WORLD_RANK");
  unsetenv("OMPI_MCA_orte_enable_recovery");
}

}  // namespace
}  // namespace peftgrid::orchestrator
