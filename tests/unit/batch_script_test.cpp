#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "slurm/script.hpp"
#include "tests/support/script_folder.hpp"

namespace peftgrid::slurm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::output_of;
using tests::ScriptFolder;

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
  const std::string said = output_of("bash -n '" + file.string() + "'");
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

TEST(BatchScript, AnArraysTasksMayBeBoundInHowManyRunAtOnce) {
  BatchJob array = job();
  array.shards = 8;
  array.shards_at_once = 2;
  EXPECT_THAT(batch_script(array), HasSubstr("#SBATCH --array=\"1-8%2\"\n"));
}

TEST(BatchScript, TheMergeNeedsOneCoreAndItsTime) {
  BatchJob array = job();
  array.merge_minutes = 47;
  const std::string script = merge_script(array);
  EXPECT_THAT(syntax_errors(script), IsEmpty());
  EXPECT_THAT(script, HasSubstr("#SBATCH --ntasks=\"1\"\n#SBATCH --time=\"47\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --partition=\"long\"\n"));
}

TEST(BatchScript, TheMergeAsksForOneGpuWhereTheShardsAskForSome) {
  BatchJob array = job();
  array.options = {{"gres", "gpu:a100:4,nvme:2"}, {"gpus-per-node", "8"}, {"nodelist", "n[1-4]"}, {"exclude", "n9"}};
  const std::string script = merge_script(array);
  EXPECT_THAT(script, HasSubstr("#SBATCH --gres=\"gpu:a100:1,nvme:2\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --gpus-per-node=\"1\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --exclude=\"n9\"\n"));
  EXPECT_THAT(script, Not(HasSubstr("nodelist")));
}

TEST(BatchScript, AnOptionWithoutAValueStaysWithout) {
  BatchJob bare = job();
  bare.options = {{"exclusive", ""}};
  EXPECT_THAT(batch_script(bare), HasSubstr("#SBATCH --exclusive\n"));
}

/// A job whose program says that the run is finished.
BatchJob small_job(const ScriptFolder& folder) {
  BatchJob small = job();
  folder.write("program", "#!/bin/sh\nexit 0\n");
  folder.write("mpirun", "#!/bin/sh\nenv\n");
  small.program = folder.root() / "program";
  small.run = folder.root() / "run";
  small.prologue = {};
  small.nodes = 1;
  return small;
}

constexpr const char* kOneNode = "SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=1";

TEST(BatchScript, CutAnywhereItDoesNothing) {
  const ScriptFolder folder;
  BatchJob noisy = small_job(folder);
  noisy.prologue = {"touch begun"};
  const std::string script = batch_script(noisy);
  const std::size_t body = script.find("{ #");
  for (std::size_t size = body; size + 2 < script.size(); size += 97) {
    folder.write("cut", script.substr(0, size));
    folder.run("cut", kOneNode);
    ASSERT_FALSE(std::filesystem::exists(folder.root() / "begun")) << size << " of " << script.size() << " bytes";
  }
  folder.write("whole", script);
  folder.run("whole", kOneNode);
  EXPECT_TRUE(std::filesystem::exists(folder.root() / "begun"));
}

TEST(BatchScript, WhatTheNotesHoldIsNeverEvaluated) {
  const ScriptFolder folder;
  folder.write("script", batch_script(small_job(folder)));
  for (const std::string evil : {"a[$(touch evil)]", "$(touch evil)", "`touch evil`", "idle[$(touch${IFS}evil)]"}) {
    for (const std::string& notes : {"7 " + evil + " 0 running\n", "7 0 " + evil + " running\n", "7 0 0 " + evil + "\n",
                                     evil + " 0 0 running\n", "7 0 0 running\n" + evil + "\n"}) {
      folder.write("run/slurm/rounds", notes);
      folder.run("script", kOneNode);
      EXPECT_FALSE(std::filesystem::exists(folder.root() / "evil")) << notes;
    }
  }
  folder.run("script", "SLURM_JOB_ID=7 'SLURM_JOB_NUM_NODES=a[$(touch evil)]'");
  EXPECT_FALSE(std::filesystem::exists(folder.root() / "evil"));
}

TEST(BatchScript, TheStepsOfAJobGetNothingOfAnOuterJobButTheWholeEnvironment) {
  const ScriptFolder folder;
  folder.write("script", batch_script(small_job(folder)));
  const std::string seen = folder.run(
      "script",
      std::string(kOneNode) +
          " SLURM_MEM_PER_CPU=512 SLURM_MEM_PER_NODE=900 SLURM_CPUS_PER_TASK=3 SLURM_NTASKS=9 SLURM_STEP_ID=0 "
          "SLURM_EXPORT_ENV=NONE PMIX_RANK=5 OMPI_COMM_WORLD_SIZE=4 SLURM_CPU_BIND_TYPE=mask MINE=kept");
  for (const char* name : {"SLURM_MEM_PER_CPU", "SLURM_MEM_PER_NODE", "SLURM_CPUS_PER_TASK", "SLURM_NTASKS",
                           "SLURM_STEP_ID", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE", "SLURM_CPU_BIND_TYPE"}) {
    EXPECT_THAT(seen, Not(HasSubstr(std::string(name) + "="))) << name;
  }
  EXPECT_THAT(seen, HasSubstr("SLURM_EXPORT_ENV=ALL\n"));
  EXPECT_THAT(seen, HasSubstr("MINE=kept\n"));
  EXPECT_THAT(seen, HasSubstr("SLURM_JOB_ID=7\n"));
}

TEST(BatchScript, WithoutItsLauncherItSaysSo) {
  const ScriptFolder folder;
  BatchJob none = small_job(folder);
  none.launcher = "srun";
  none.prologue = {"PATH=" + folder.root().string() + ":/usr/bin:/bin", "type() { return 1; }"};
  folder.write("script", batch_script(none));
  EXPECT_THAT(folder.run("script", kOneNode), HasSubstr("srun is not in PATH: not put back in the queue"));
}

TEST(ControlCharacter, IsEachBelowABlankAndThatOfDelete) {
  for (int c = 0; c < 256; ++c) {
    const bool control = c < 32 || c == 127;
    EXPECT_EQ(has_control_character(std::string("a") + static_cast<char>(c) + "b"), control) << c;
  }
}

TEST(ShellWord, IsOneWordWhateverIsInIt) {
  EXPECT_EQ(shell_word("/plain/path-1.yaml"), "/plain/path-1.yaml");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$HOME;rm *"), "'$HOME;rm *'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace peftgrid::slurm
