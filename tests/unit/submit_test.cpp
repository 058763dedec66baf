// `orchestrator submit` beside stand-ins for Slurm's commands.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <iterator>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid.hpp"
#include "orchestrator/run/journal.hpp"
#include "tests/support/script_folder.hpp"
#include "tests/support/tiny_model.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kGrid = R"(backbones: [model]
tasks: [{name: t, train: train.csv, test: test.csv, text: title, label: queue}]
methods: [full, head]
train_sizes: [4]
seeds: 1
selection: none
training: {max_length: 32}
)";

/// A grid of two trials, and an sbatch that leaves a file where it is asked and gives jobs the number 12.
class Submit : public testing::Test {
 protected:
  Submit() : path_(std::getenv("PATH")) {
    setenv("PATH", (folder_.root().string() + ":/usr/bin:/bin").c_str(), 1);
    setenv("XDG_CACHE_HOME", (folder_.root() / "cache").c_str(), 1);
    tests::write_tiny_model(folder_.root() / "model");
    folder_.write("grid.yaml", kGrid);
    folder_.write("train.csv", "title,queue\nab,sales\nef,help\nij,sales\nmn,help\n");
    folder_.write("test.csv", "title,queue\nyz,help\ncd,sales\n");
    folder_.write("sbatch", "#!/bin/sh\ntouch \"${0%/*}/submitted\"\necho 12\n");
    for (const char* name : {"sinfo", "scontrol", "squeue"}) folder_.write(name, "#!/bin/sh\nexit 1\n");
    fs::current_path(folder_.root());
  }
  ~Submit() override {
    setenv("PATH", path_.c_str(), 1);
    fs::current_path(folder_.root().parent_path());
  }

  /// Exit code and text of `submit` with the grid, and `words` behind.
  std::pair<int, std::string> submit(const Arguments& words) const {
    Arguments all = {"--grid", grid_, "--time", "5", "--ranks-per-node", "2"};
    all.insert(all.end(), words.begin(), words.end());
    testing::internal::CaptureStdout();
    int code = 0;
    std::string error;
    try {
      code = submit_command(all);
    } catch (const worker::UsageError& wrong) {
      code = 2;
      error = wrong.what();
    } catch (const checkpoint::FileError& refused) {
      code = 2;
      error = refused.what();
    }
    return {code, testing::internal::GetCapturedStdout() + error};
  }
  bool was_submitted() const { return fs::exists(folder_.root() / "submitted"); }
  static std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const tests::ScriptFolder folder_;
  std::string grid_ = (folder_.root() / "grid.yaml").string();

 private:
  std::string path_;
};

TEST_F(Submit, AScriptThatTheDiskCutsIsNotSubmitted) {
  ASSERT_EQ(submit({"--out", "first"}).first, 0);
  fs::remove(folder_.root() / "submitted");
  // As on a disk that is full, a file ends after its first block.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit block{4096, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &block);
  const auto [code, text] = submit({"--out", "second"});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, 2);
  EXPECT_THAT(text, HasSubstr("second/slurm/grid.sbatch"));
  EXPECT_FALSE(was_submitted());
}

TEST_F(Submit, ARunFolderOrAWorkingDirectoryWithAControlCharacterIsRefused) {
  for (int c = 1; c < 128; c = c == 31 ? 127 : c + 1) {
    const fs::path odd = folder_.root() / ("a" + std::string(1, static_cast<char>(c)) + "#SBATCH --uid=0");
    EXPECT_THAT(submit({"--out", odd.string()}).second, HasSubstr("control character")) << c;
    fs::create_directory(odd);
    fs::current_path(odd);
    const auto [code, text] = submit({"--out", "run"});
    EXPECT_EQ(code, 2) << c;
    EXPECT_THAT(text, AllOf(HasSubstr("submit: the run folder"), HasSubstr("control character"))) << c;
    fs::current_path(folder_.root());
    fs::remove_all(odd);
  }
  EXPECT_FALSE(was_submitted());
}

TEST_F(Submit, EachOptionWithAControlCharacterIsRefused) {
  for (const char* option : {"--account", "--partition", "--qos", "--gres", "--constraint", "--mem", "--mail-type",
                             "--mail-user", "--prologue", "--set", "--only", "--sbatch"}) {
    const auto [code, text] = submit({option, "--a=b\n#SBATCH --uid=0"});
    EXPECT_EQ(code, 2) << option;
    EXPECT_THAT(text, HasSubstr("control character")) << option;
  }
  EXPECT_FALSE(was_submitted());
}

TEST_F(Submit, NoTextOfAUserReachesTheShellUnquoted) {
  folder_.write("program", "#!/bin/sh\nexit 0\n");
  folder_.write("mpirun", "#!/bin/sh\nexit 0\n");
  for (const std::string evil :
       {"$(touch evil)", "`touch evil`", "a; touch evil", "a && touch evil", "a' ; touch evil; '",
        "a\" ; touch evil; \"", "a) ; touch evil; (", "${x:=$(touch evil)}", "a | touch evil"}) {
    const auto [code, text] = submit({"--out", "run " + evil, "--account", evil});
    ASSERT_EQ(code, 0) << text;
    std::string script = text_of(folder_.root() / ("run " + evil) / "slurm/grid.sbatch");
    const std::size_t line = script.find("\nprogram=") + 1;
    folder_.write("script", script.replace(line, script.find('\n', line) - line, "program=./program"));
    folder_.run("script", "SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=1");
    EXPECT_TRUE(fs::exists(folder_.root() / ("run " + evil) / "slurm/rounds")) << evil;
    EXPECT_FALSE(fs::exists(folder_.root() / "evil")) << evil;
  }
}

/// Writes down that both trials of the grid have failed.
void fail_all(const fs::path& run, const std::string& grid) {
  fs::create_directories(run / "trials");
  Journal journal(run / "journal");
  for (const auto& spec : load_grid(grid, {}).trials) {
    journal.append("failed", R"({"id": ")" + spec.id + R"(", "reason": "no reason", "environment": false})");
  }
}

TEST_F(Submit, WhereOnlyFailedTrialsAreLeftNothingIsQueued) {
  fail_all(folder_.root() / "run", grid_);
  const auto [code, text] = submit({"--out", "run"});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(text, AllOf(HasSubstr("2 trials failed before"), HasSubstr("--retry-failed")));
  EXPECT_FALSE(was_submitted());
}

TEST_F(Submit, FailedTrialsAreTriedAgainWhereThatIsAsked) {
  fail_all(folder_.root() / "run", grid_);
  const auto [code, text] = submit({"--out", "run", "--retry-failed"});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("2 trials to run"));
  EXPECT_THAT(text_of(folder_.root() / "run/slurm/grid.sbatch"), HasSubstr(" --retry-failed)"));
  EXPECT_TRUE(was_submitted());
}

TEST_F(Submit, TheMergeHasTimeByTheNumberOfTrials) {
  const auto minutes = [&](const Arguments& words) {
    Arguments all = {"--array", "2", "--dry-run"};
    all.insert(all.end(), words.begin(), words.end());
    const std::string text = submit(all).second;
    const std::string key = "#SBATCH --time=\"";
    return std::stoi(text.substr(text.rfind(key) + key.size()));
  };
  EXPECT_EQ(minutes({}), 10);
  EXPECT_EQ(minutes({"--set", "seeds=250"}), 15);
}

TEST_F(Submit, ANumberOfAnotherClustersJobIsNoReasonToRefuse) {
  ASSERT_EQ(submit({"--out", "run"}).first, 0);
  folder_.write("squeue", "#!/bin/sh\necho '12|RUNNING|None|/somewhere/else/slurm/grid.sbatch'\n");
  EXPECT_EQ(submit({"--out", "run"}).first, 0);
  folder_.write("squeue",
                "#!/bin/sh\necho '12|RUNNING|None|" + (folder_.root() / "run/slurm/grid.sbatch").string() + "'\n");
  const auto [code, text] = submit({"--out", "run"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(text, HasSubstr("Slurm job 12 is running; wait for it to end, or take it back with scancel 12"));
}

TEST_F(Submit, AQueueThatDoesNotAnswerIsNotWaitedFor) {
  ASSERT_EQ(submit({"--out", "run"}).first, 0);
  folder_.write("squeue", "#!/bin/sh\nexec /bin/sleep 600\n");
  EXPECT_EQ(submit({"--out", "run"}).first, 0);
}

}  // namespace
}  // namespace peftgrid::orchestrator
