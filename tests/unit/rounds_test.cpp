// What slurm/rounds.sh makes of the ways in which a round can end, with stand-ins for Slurm, launcher and program.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "slurm/script.hpp"
#include "tests/support/script_folder.hpp"

namespace peftgrid::slurm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A run that is unfinished, in a job of one node; scontrol leaves a file where it is asked to requeue.
class Rounds : public testing::Test {
 protected:
  Rounds() {
    program_says("run: 1 of 2 trials done\nnot running", 4);
    folder_.write("scontrol", "#!/bin/sh\necho \"$*\" >requeued\n");
    BatchJob job;
    job.program = folder_.root() / "program";
    job.run = folder_.root() / "run";
    job.name = "run";
    job.time = "60";
    job.signal_before_s = 60;
    folder_.write("script", batch_script(job));
  }

  void program_says(const std::string& standing, int code) const {
    folder_.write("program", "#!/bin/sh\nprintf '" + standing + "\\n'\nexit " + std::to_string(code) + "\n");
  }
  /// What the launcher does in each round: shell lines, in which $code is the file for the program's exit code and
  /// $script the process of the batch script.
  void launcher_does(const std::string& lines) const {
    folder_.write(
        "mpirun",
        "#!/bin/bash\nwhile [ \"$1\" != --exit-code-file ]; do shift; done\ncode=$2 script=$PPID\n" + lines + "\n");
  }
  /// The log of a round, and behind it the job's exit code.
  std::string round() const {
    std::filesystem::remove(folder_.root() / "requeued");
    folder_.write("round", "bash script >log 2>&1; code=$?; cat log; echo exit code $code\n");
    return folder_.run("round", "SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=1");
  }
  bool was_requeued() const { return std::filesystem::exists(folder_.root() / "requeued"); }
  std::string notes() const {
    std::ifstream in(folder_.root() / "run/slurm/rounds");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const tests::ScriptFolder folder_;
};

constexpr const char* kTimeLimit = "trap 'exit 0' USR1\nkill -USR1 $script\nfor i in $(seq 500); do sleep 1; done";

/// Slurm's end of a round: its daemon's line in the log, then SIGTERM.
std::string told(const std::string& why) {
  return "trap 'exit 0' USR1\necho 'slurmstepd-n1: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00" + why +
         " ***'\nkill -TERM $script\nfor i in $(seq 500); do sleep 1; done";
}

TEST_F(Rounds, ARefusedInputEndsTheJobAtOnce) {
  launcher_does("echo 2 >\"$code\"\nexit 0");
  EXPECT_THAT(round(), AllOf(HasSubstr("the program refused its input"), HasSubstr("exit code 2\n")));
  EXPECT_FALSE(was_requeued());
  EXPECT_THAT(notes(), StartsWith("7 0 0 refused\n"));
}

TEST_F(Rounds, AFolderThatIsInUseIsTriedAgainAFewTimes) {
  launcher_does("echo 2 >\"$code\"\nexit 0");
  program_says("run: 1 of 2 trials done\nrunning: pid 9 on host a, for 3 s", 4);
  for (int attempt = 1; attempt < 5; ++attempt) {
    EXPECT_THAT(round(), HasSubstr("exit code 0\n"));
    EXPECT_TRUE(was_requeued()) << attempt;
  }
  EXPECT_THAT(round(), AllOf(HasSubstr("5 rounds found the run folder in use"), HasSubstr("exit code 2\n")));
  EXPECT_FALSE(was_requeued());
}

TEST_F(Rounds, ALauncherThatFailsTwiceIsNotTheTimeLimitsFault) {
  launcher_does("echo a daemon died; exit 213");
  EXPECT_THAT(round(), HasSubstr("the round failed (exit code 213 of mpirun)"));
  EXPECT_TRUE(was_requeued());
  EXPECT_THAT(round(), AllOf(HasSubstr("2 rounds in a row without a finished trial"), HasSubstr("exit code 4\n"),
                             Not(HasSubstr("time limit"))));
  EXPECT_FALSE(was_requeued());
}

TEST_F(Rounds, TheTimeLimitIsBlamedAfterItsOwnSignal) {
  launcher_does(kTimeLimit);
  EXPECT_THAT(round(), HasSubstr("stopping (the time limit is near)"));
  EXPECT_TRUE(was_requeued());
  EXPECT_THAT(round(), AllOf(HasSubstr("the time limit may be too short for one trial"), HasSubstr("exit code 4\n")));
  EXPECT_FALSE(was_requeued());
}

TEST_F(Rounds, APreemptionIsCalledSoAndNeverCountedAsIdle) {
  launcher_does(told(" DUE TO PREEMPTION"));
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_THAT(round(), AllOf(HasSubstr("stopping (preempted)"), Not(HasSubstr("rounds in a row"))));
    EXPECT_FALSE(was_requeued());  // Slurm does that, or does not
    EXPECT_THAT(notes(), StartsWith("7 0 0 preempted\n"));
  }
}

TEST_F(Rounds, ACancelledRoundIsCalledSo) {
  launcher_does(told(""));
  EXPECT_THAT(round(), AllOf(HasSubstr("stopping (cancelled)"), HasSubstr("exit code 4\n")));
  EXPECT_THAT(notes(), StartsWith("7 0 0 cancelled\n"));
}

TEST_F(Rounds, ARoundThatSlurmRequeuedIsCalledSo) {
  launcher_does(told(" DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS"));
  EXPECT_THAT(round(), HasSubstr("stopping (requeued by Slurm)"));
  EXPECT_THAT(notes(), StartsWith("7 0 0 requeued\n"));
}

TEST_F(Rounds, ARoundThatWasCutOffIsNotCountedAsIdle) {
  folder_.write("run/slurm/rounds", "7 1 0 running\n\n");
  launcher_does(told(" DUE TO PREEMPTION"));
  EXPECT_THAT(round(), HasSubstr("the round before was cut off"));
  EXPECT_THAT(notes(), StartsWith("7 1 0 preempted\n"));
}

TEST_F(Rounds, AnIdleRoundAfterOneThatFinishedATrialIsTheFirst) {
  launcher_does("exit 1");
  round();
  EXPECT_THAT(notes(), StartsWith("7 1 0 ended\n"));
  std::filesystem::create_directories(folder_.root() / "run/trials");
  launcher_does("touch run/trials/a.h5; exit 1");
  round();
  EXPECT_THAT(notes(), StartsWith("7 0 0 ended\n"));
}

TEST_F(Rounds, NotesAreNeverWrittenThroughALinkOrAPipe) {
  launcher_does("exit 1");
  folder_.write("victim", "mine");
  std::filesystem::create_symlink(folder_.root() / "victim", folder_.root() / "run/slurm/rounds.draft");
  std::filesystem::create_symlink(folder_.root() / "victim", folder_.root() / "run/slurm/rounds");
  round();
  std::ifstream in(folder_.root() / "victim");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine");
  EXPECT_THAT(notes(), StartsWith("7 1 0 ended\n"));
  folder_.write("pipes", "mkfifo run/slurm/rounds.draft\nrm run/slurm/rounds\nmkfifo run/slurm/rounds\n");
  folder_.run("pipes", "");
  round();
  EXPECT_THAT(notes(), StartsWith("7 1 0 ended\n"));
}

TEST_F(Rounds, ARunFolderThatIsGoneIsNotMadeAgain) {
  launcher_does("rm -r run; exit 1");
  program_says("no run folder", 2);
  EXPECT_THAT(round(), AllOf(HasSubstr("the run can no longer be read"), HasSubstr("exit code 2\n")));
  EXPECT_FALSE(std::filesystem::exists(folder_.root() / "run"));
  EXPECT_FALSE(was_requeued());
}

}  // namespace
}  // namespace peftgrid::slurm
