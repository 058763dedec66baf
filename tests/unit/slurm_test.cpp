#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>

#include "slurm/environment.hpp"
#include "slurm/script.hpp"
#include "slurm/time_limit.hpp"

namespace peftgrid::slurm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

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
  for (const char* text :
       {"", "0", "2h", "-5", "1:2:3:4", "1-", "-1:00", "99999999999999999999", "UNLIMITED", "1:-2"}) {
    EXPECT_FALSE(parse_time_limit(text)) << text;
  }
}

TEST(TimeLimit, IsWrittenInWholeMinutesRoundedUp) {
  EXPECT_EQ(time_limit_text(1), "00:01:00");
  EXPECT_EQ(time_limit_text(7260), "02:01:00");
  EXPECT_EQ(time_limit_text(90'000), "1-01:00:00");
}

BatchJob job() {
  BatchJob job;
  job.program = "/opt/peftgrid/orchestrator";
  job.run = "/data/it's mine/100%";
  job.arguments = {"--grid", "/data/a b.yaml", "--set", "methods=[lora, {head: {}}]"};
  job.prologue = {"module load openmpi"};
  job.options = {{"account", "n\"l\\p"}, {"gres", "gpu:2"}, {"partition", "long"}};
  job.name = "glue";
  job.time = "02:00:00";
  job.nodes = 4;
  job.ranks_per_node = 2;
  job.signal_before_s = 120;
  return job;
}

/// What bash says of a script without running it; empty when all is well.
std::string syntax_errors(const std::string& script) {
  const auto file = std::filesystem::path(testing::TempDir()) / ("script_" + std::to_string(getpid()));
  std::FILE* out = std::fopen(file.c_str(), "w");
  std::fwrite(script.data(), 1, script.size(), out);
  std::fclose(out);
  std::FILE* bash = popen(("bash -n '" + file.string() + "' 2>&1").c_str(), "r");
  std::string said;
  for (int c = 0; (c = std::fgetc(bash)) != EOF;) said += static_cast<char>(c);
  pclose(bash);
  std::filesystem::remove(file);
  return said;
}

TEST(BatchScript, IsCompleteAndValidBash) {
  const std::string script = batch_script(job());
  EXPECT_EQ(script.find("{{"), std::string::npos);
  EXPECT_THAT(syntax_errors(script), IsEmpty());
  EXPECT_THAT(script, HasSubstr("\nmodule load openmpi\n"));
  EXPECT_THAT(script, HasSubstr("\nlauncher=mpirun\n"));
}

TEST(BatchScript, TellsSlurmWhatIsNeeded) {
  const std::string script = batch_script(job());
  EXPECT_THAT(script, HasSubstr("#SBATCH --nodes=\"4\"\n#SBATCH --ntasks-per-node=\"2\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --signal=\"B:USR1@120\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --gres=\"gpu:2\"\n"));
  EXPECT_THAT(script, Not(HasSubstr("--array")));
}

TEST(BatchScript, QuotesForBashAndForSbatch) {
  const std::string script = batch_script(job());
  EXPECT_THAT(script, HasSubstr("run='/data/it'\\''s mine/100%'\n"));
  EXPECT_THAT(script, HasSubstr("(--grid '/data/a b.yaml' --set 'methods=[lora, {head: {}}]')"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --account=\"n\\\"l\\\\p\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --output=\"/data/it's mine/100%%/slurm/job-%j.log\"\n"));
}

TEST(BatchScript, AnArraysTasksRunAShardEach) {
  BatchJob array = job();
  array.shards = 8;
  const std::string script = batch_script(array);
  EXPECT_THAT(syntax_errors(script), IsEmpty());
  EXPECT_THAT(script, HasSubstr("#SBATCH --array=\"1-8\"\n"));
  EXPECT_THAT(script, HasSubstr("--shard \"$SLURM_ARRAY_TASK_ID/8\""));
  EXPECT_THAT(script, HasSubstr("job-%A_%a.log"));
}

TEST(BatchScript, TheMergeNeedsOneCoreAndNoGpu) {
  const std::string script = merge_script(job());
  EXPECT_THAT(syntax_errors(script), IsEmpty());
  EXPECT_THAT(script, HasSubstr("#SBATCH --ntasks=\"1\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --partition=\"long\"\n"));
  EXPECT_THAT(script, Not(HasSubstr("gres")));
}

TEST(ShellWord, IsOneWordWhateverIsInIt) {
  EXPECT_EQ(shell_word("/plain/path-1.yaml"), "/plain/path-1.yaml");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$HOME;rm *"), "'$HOME;rm *'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace peftgrid::slurm
