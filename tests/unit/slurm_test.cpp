#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "slurm/direct_launch.hpp"
#include "slurm/environment.hpp"
#include "slurm/last_round.hpp"
#include "slurm/partition.hpp"
#include "slurm/queue.hpp"
#include "slurm/signals.hpp"
#include "slurm/subprocess.hpp"
#include "slurm/time_limit.hpp"

namespace peftgrid::slurm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Ends with what this process takes SIGCONT for that comes from itself, when `launcher` is mpirun.
[[noreturn]] void exit_with_meaning_of_continue(pid_t launcher) {
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  watch_stop_signals(launcher);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(getpid(), SIGCONT);
  std::_Exit(stop_signal());
}

TEST(StopSignals, SigcontOfTheLauncherThatWasFoundIsAWishToEnd) {
  EXPECT_EXIT(exit_with_meaning_of_continue(getpid()), testing::ExitedWithCode(SIGTERM), "");
}

TEST(StopSignals, SigcontOfAnybodyElseIsNot) {
  EXPECT_EXIT(exit_with_meaning_of_continue(getppid() + getpid()), testing::ExitedWithCode(0), "");
}

TEST(SlurmEnvironment, OutsideOfSlurmItIsEmpty) {
  const Environment e = read_environment({{"PATH", "/bin"}});
  EXPECT_THAT(e.job, IsEmpty());
  EXPECT_THAT(e.gpus, IsEmpty());
  EXPECT_FALSE(e.local_rank);
  EXPECT_FALSE(gpu_of_rank(e));
}

TEST(SlurmEnvironment, AJobHasANumberNodesAndANode) {
  const Environment e =
      read_environment({{"SLURM_JOB_ID", "12"}, {"SLURM_JOB_NODELIST", "n[1-2]"}, {"SLURMD_NODENAME", "n2"}});
  EXPECT_EQ(e.job, "12");
  EXPECT_EQ(e.nodes, "n[1-2]");
  EXPECT_EQ(e.node, "n2");
}

TEST(SlurmEnvironment, AnArrayTaskIsNamedByItsArray) {
  const Environment e =
      read_environment({{"SLURM_JOB_ID", "14"}, {"SLURM_ARRAY_JOB_ID", "12"}, {"SLURM_ARRAY_TASK_ID", "3"}});
  EXPECT_EQ(e.job, "12_3");
}

TEST(SlurmEnvironment, UnderMpirunTheLocalRankIsMpiruns) {
  const Environment e =
      read_environment({{"SLURM_STEP_ID", "0"}, {"SLURM_LOCALID", "0"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}});
  EXPECT_EQ(e.local_rank, 3);
}

TEST(SlurmEnvironment, UnderSrunTheLocalRankIsTheTasks) {
  EXPECT_EQ(read_environment({{"SLURM_STEP_ID", "0"}, {"SLURM_LOCALID", "2"}}).local_rank, 2);
}

TEST(SlurmEnvironment, TheBatchScriptItselfHasNoLocalRank) {
  EXPECT_FALSE(read_environment({{"SLURM_JOB_ID", "12"}, {"SLURM_LOCALID", "0"}}).local_rank);
}

TEST(SlurmEnvironment, EachRankOfANodeTakesAGpuOfItsOwn) {
  Environment e = read_environment({{"CUDA_VISIBLE_DEVICES", "4,GPU-7f,6"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}});
  EXPECT_THAT(e.gpus, ElementsAre("4", "GPU-7f", "6"));
  EXPECT_EQ(gpu_of_rank(e), "GPU-7f");
  e.local_rank = 3;
  EXPECT_EQ(gpu_of_rank(e), "4");
}

TEST(SlurmEnvironment, WithoutALauncherAllGpusStay) {
  EXPECT_FALSE(gpu_of_rank(read_environment({{"CUDA_VISIBLE_DEVICES", "0,1"}})));
}

TEST(TimeLimit, ReadsWhatSbatchReads) {
  EXPECT_EQ(parse_time_limit("90"), 90 * 60);
  EXPECT_EQ(parse_time_limit("1:30"), 90);
  EXPECT_EQ(parse_time_limit("02:00:00"), 7200);
  EXPECT_EQ(parse_time_limit("1-12"), 36 * 3600);
  EXPECT_EQ(parse_time_limit("1-00:30"), 24 * 3600 + 1800);
  EXPECT_EQ(parse_time_limit("1-00:00:05"), 24 * 3600 + 5);
}

TEST(TimeLimit, RefusesWhatIsNone) {
  for (const char* text : {"", "2h", "-5", "1:2:3:4", "1-", "-1:00", "99999999999999999999", "1:-2", "FOREVER"}) {
    EXPECT_FALSE(parse_time_limit(text)) << text;
  }
}

TEST(TimeLimit, TakesSbatchsWordsForNoneAtAll) {
  for (const char* text : {"0", "00:00:00", "UNLIMITED", "infinite"}) {
    EXPECT_EQ(parse_time_limit(text), kUnlimited_s) << text;
  }
}

TEST(TimeLimit, IsWrittenInWholeMinutesRoundedUp) {
  EXPECT_EQ(time_limit_text(1), "00:01:00");
  EXPECT_EQ(time_limit_text(7260), "02:01:00");
  EXPECT_EQ(time_limit_text(90'000), "1-01:00:00");
}

TEST(Partition, IsTheDefaultOneOrTheOneNamed) {
  const std::string text =
      "main*|2|8|infinite|(null)\nshort|1|4|1:00:00|gpu:a100:4(S:0,2-3),nvme:1\nshort|2|4|1:00:00|gpu:a100:2\n";
  const auto main = parse_partition(text, "");
  ASSERT_TRUE(main);
  EXPECT_EQ(main->name, "main");
  EXPECT_EQ(main->cores, 16);
  EXPECT_EQ(main->most_s, kUnlimited_s);
  EXPECT_FALSE(parse_partition("short|1|4|1:00:00|(null)\n", ""));
  const auto named =
      parse_partition("short|1|4|1:00:00|gpu:a100:4(S:0,2-3),nvme:1\nlong|2|4|2-0|gpu:2\n", "short,long");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->cores, 4);
  EXPECT_EQ(named->gpus, 2);
  EXPECT_EQ(named->most_s, 2 * 24 * 3600);
}

TEST(Queue, ReadsWhatSqueueSays) {
  const auto jobs =
      parse_queue("12_[3-8%2]|PENDING|Resources|/run a/slurm/array.sbatch\n13|RUNNING|None|(null)\nrubbish\n");
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].command, "/run a/slurm/array.sbatch");
  EXPECT_THAT(queue_lines(jobs), ElementsAre("Slurm job 12_[3-8%2] is pending: Resources", "Slurm job 13 is running"));
}

TEST(Queue, SaysOfTasksThatAreAlikeHowManyTheyAre) {
  const std::vector<QueuedJob> jobs{{"12_[3-8]", "PENDING", "Resources", ""},
                                    {"12_1", "RUNNING", "None", ""},
                                    {"12_2", "RUNNING", "None", ""},
                                    {"13", "PENDING", "Dependency", ""}};
  EXPECT_THAT(queue_lines(jobs),
              ElementsAre("Slurm job 12_[3-8] is pending: Resources", "Slurm jobs 12_1 and 1 more are running",
                          "Slurm job 13 is pending: Dependency"));
  EXPECT_EQ(numbers_of(jobs), "12 13");
}

TEST(LastRound, IsSaidInWords) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("notes_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto text_of = [&](const std::string& notes) {
    std::ofstream(folder / "rounds") << notes;
    const auto round = read_last_round(folder);
    return round ? round_text(*round) : "(nothing)";
  };
  EXPECT_EQ(text_of("12 0 0 preempted\n1.5 a.h5\n"), "the last round, of Slurm job 12, was preempted");
  EXPECT_EQ(text_of("12 1 0 limit\n\n"), "the last round, of Slurm job 12, ended at its time limit");
  EXPECT_EQ(text_of("12 0 0 running\n\n"),
            "the last round, of Slurm job 12, was cut off, as by a lost node or by SIGKILL");
  EXPECT_EQ(text_of("12 0 0 finished\n\n"), "");
  EXPECT_EQ(text_of("1\x1b[2J 0 0 limit\n"), "(nothing)");
  EXPECT_EQ(text_of(std::string(4000, '\0')), "(nothing)");
  EXPECT_EQ(text_of("12 0 0 something\n"), "(nothing)");
  std::filesystem::remove_all(folder);
}

TEST(DirectLaunch, IsKnownByWhatSrunLeaves) {
  EXPECT_EQ(direct_launch({{"SLURM_JOB_ID", "12"}}), DirectLaunch::None);
  const Variables step{{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    Variables more = step;
    more[name] = value;
    return direct_launch(more);
  };
  EXPECT_EQ(with("SLURM_STEP_NUM_TASKS", "1"), DirectLaunch::Alone);
  EXPECT_EQ(with("SLURM_PROCID", "0"), DirectLaunch::First);
  EXPECT_EQ(with("SLURM_PROCID", "3"), DirectLaunch::Other);
  EXPECT_EQ(with("PMIX_RANK", "0"), DirectLaunch::None);
}

TEST(Command, ThatDoesNotAnswerInTimeIsLeft) {
  EXPECT_FALSE(answer_of({"sleep", "600"}, 0.2));
  EXPECT_EQ(answer_of({"echo", "a b"}, 30), "a b\n");
  EXPECT_FALSE(answer_of({"false"}, 30));
  EXPECT_FALSE(answer_of({"no-such-command-here"}, 30));
}

}  // namespace
}  // namespace peftgrid::slurm
