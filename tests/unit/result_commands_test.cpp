#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "tests/support/sample_trials.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using tests::SampleOptions;
using tests::SampleRun;
using tests::TemporaryFolder;

class ResultCommands : public testing::Test {
 protected:
  ResultCommands() {
    SampleOptions options;
    options.methods = {"full", "lora"};
    options.tasks = {"sst2"};
    options.train_sizes = {100};
    options.test_rows = 50;
    run_ = tests::sample_run(options);
    tests::write_run(at("a"), run_);
  }
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
  /// What a command prints, and its exit code.
  static std::pair<int, std::string> output(int (*command)(const Arguments&), const Arguments& arguments) {
    testing::internal::CaptureStdout();
    const int code = command(arguments);
    return {code, testing::internal::GetCapturedStdout()};
  }
  /// The run as two shards of an array, in a folder that has no trials of its own. The second may miss its last trial.
  void write_array(const std::string& name, bool whole) const {
    SampleRun none = run_, first = run_, second = run_;
    none.records.clear();
    first.records.erase(first.records.begin() + 4, first.records.end());
    second.records.erase(second.records.begin(), second.records.begin() + 4);
    if (!whole) second.records.pop_back();
    tests::write_run(at(name), none);
    tests::write_run(at(name + "/shard-1-of-2"), first);
    tests::write_run(at(name + "/shard-2-of-2"), second);
  }
  SampleRun run_;
  TemporaryFolder folder_;
};

TEST_F(ResultCommands, CompareCallsEqualRunsIdentical) {
  SampleRun again = run_;
  for (auto& record : again.records) record.training_s += 1;
  tests::write_run(at("b"), again);
  const auto [code, text] = output(compare_command, {at("a"), at("b")});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("identical: 6 trials"));
}

TEST_F(ResultCommands, CompareSaysWhatDiffersAndByHowMuch) {
  SampleRun other = run_;
  other.records[4].tests[0].metrics[0].second += 0.02;
  other.records[5].tensors[0].values[0] += 0.25F;
  other.records[5].tensors[0].sha256 = checkpoint::sha256_of_values(other.records[5].tensors[0].values);
  other.records.erase(other.records.begin());
  tests::write_run(at("b"), other);
  const auto [code, text] = output(compare_command, {at("a"), at("b")});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(text, HasSubstr("lora on sst2, 100 rows, seed 2"));
  EXPECT_THAT(text, HasSubstr("test accuracy"));
  EXPECT_THAT(text, HasSubstr("by 0.02"));
  EXPECT_THAT(text, HasSubstr("tensor layer.0.query: by up to 0.25"));
  EXPECT_THAT(text, HasSubstr("only in " + at("a")));
  EXPECT_THAT(text, HasSubstr("2 of 5 shared trials differ, 1 on one side only"));
}

TEST_F(ResultCommands, CompareAllowsATolerance) {
  SampleRun other = run_;
  other.records[4].tests[0].metrics[0].second += 0.02;
  tests::write_run(at("b"), other);
  EXPECT_EQ(output(compare_command, {at("a"), at("b"), "--tolerance", "0.05"}).first, 0);
  EXPECT_EQ(output(compare_command, {at("a"), at("b"), "--tolerance", "0.01"}).first, 3);
}

TEST_F(ResultCommands, CheckFindsASoundRunSound) {
  const auto [code, text] = output(check_command, {at("a")});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("6 trial files are sound"));
}

TEST_F(ResultCommands, CheckNamesDamageMisnamedFilesAndWhatIsMissing) {
  const RunFolder run{at("a")};
  fs::rename(run.trial(run_.records[0].id), run.trial("aaaaaaaaaaaaaaaa"));
  std::string bytes = tests::contents(run.trial(run_.records[1].id));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(run.trial(run_.records[1].id), std::ios::binary) << bytes;
  worker::TrialSpec spec = run_.grid.trials[2];
  spec.training.learning_rate = 1;
  checkpoint::TrialRecord forged = run_.records[2];
  forged.spec = worker::to_json(spec);
  fs::remove(run.trial(forged.id));
  checkpoint::write_trial(run.trial(forged.id), forged);
  std::ofstream(run.journal(), std::ios::app) << "00000000 1 finished {}\n";
  const auto [code, text] = output(check_command, {at("a")});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(text, HasSubstr("3 trial files are sound"));
  EXPECT_THAT(text, HasSubstr("which is not its name"));
  EXPECT_THAT(text, HasSubstr("its spec hashes to"));
  EXPECT_THAT(text, HasSubstr("1 damaged lines"));
  EXPECT_THAT(text, HasSubstr("3 trials of the current grid have no sound file"));
}

TEST_F(ResultCommands, CheckAdvisesToDeleteOnlyWhatItReadAndFoundTorn) {
  const RunFolder run{at("a")};
  const auto file = [&](std::size_t i) { return run.trial(run_.records[i].id); };
  fs::remove(file(0));
  ASSERT_EQ(::mkfifo(file(0).c_str(), 0600), 0);
  fs::remove(file(1));
  fs::create_symlink("nowhere", file(1));
  fs::remove(file(2));
  fs::create_directory(file(2));
  fs::rename(file(3), run.trial("aaaaaaaaaaaaaaaa"));
  const auto [code, text] = output(check_command, {at("a")});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(text, HasSubstr("no plain file: " + file(0).string() + ": is a pipe"));
  EXPECT_THAT(text, HasSubstr("no plain file: " + file(1).string() + ": is a symbolic link"));
  EXPECT_THAT(text, HasSubstr("no plain file: " + file(2).string() + ": is a folder"));
  EXPECT_THAT(text, HasSubstr("misnamed: "));
  EXPECT_THAT(text, Not(HasSubstr("delete")));
  fs::resize_file(file(4), 1000);
  const std::string torn = output(check_command, {at("a")}).second;
  EXPECT_THAT(torn, HasSubstr("torn: " + file(4).string()));
  EXPECT_THAT(torn, HasSubstr("delete it; the same command then runs its trial again"));
}

TEST_F(ResultCommands, CheckFindsAFileSoundThatAnotherProgramHasLocked) {
  const int other = ::open(RunFolder{at("a")}.trial(run_.records[0].id).c_str(), O_RDWR);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  const auto [code, text] = output(check_command, {at("a")});
  ::close(other);
  EXPECT_EQ(code, 0) << text;
  EXPECT_THAT(text, HasSubstr("6 trial files are sound"));
}

TEST_F(ResultCommands, AFileUnderAnotherTrialsNameIsNamedAndCountsForNone) {
  const RunFolder run{at("a")};
  tests::write_run(at("b"), run_);
  fs::rename(run.trial(run_.records[0].id), run.trial("aaaaaaaaaaaaaaaa"));
  const std::string name = "aaaaaaaaaaaaaaaa.h5: it holds trial " + run_.records[0].id + ", which is not its name";
  testing::internal::CaptureStderr();
  EXPECT_EQ(output(merge_command, {at("a"), "--out", at("all.h5")}).first, 3);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(name));
  EXPECT_THAT(output(report_command, {at("a")}).second, HasSubstr("1 of 3 seeds not there yet"));
  EXPECT_THAT(tests::contents(run.report() / "index.html"), HasSubstr(name));
  const auto [code, text] = output(compare_command, {at("a"), at("b")});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(text, HasSubstr(name));
  EXPECT_THAT(text, HasSubstr("1 on one side only, 1 left out or in conflict"));
}

TEST_F(ResultCommands, MergeReplacesAnEarlierMergedFileOnlyWithOverwrite) {
  EXPECT_EQ(output(merge_command, {at("a"), "--out", at("all.h5")}).first, 0);
  EXPECT_THROW(merge_command({at("a"), "--out", at("all.h5")}), checkpoint::FileError);
  EXPECT_EQ(output(merge_command, {at("a"), "--out", at("all.h5"), "--overwrite"}).first, 0);
  EXPECT_THROW(merge_command({at("a"), "--out", at("a/journal"), "--overwrite"}), checkpoint::FileError);
}

TEST_F(ResultCommands, MergeSaysThatWhatTheGridComparesStaysBehind) {
  const auto complaints = [&](const std::string& out) {
    testing::internal::CaptureStderr();
    output(merge_command, {at("a"), "--out", at(out)});
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(complaints("plain.h5"), "");
  run_.grid.compare = {"lora", "full"};
  std::filesystem::remove_all(at("a"));
  tests::write_run(at("a"), run_);
  EXPECT_THAT(complaints("compared.h5"), HasSubstr("the grid's `compare` and `margin` stay in the run folder"));
}

TEST_F(ResultCommands, MergeThenReportWorksWithoutTheRunFolder) {
  EXPECT_EQ(output(merge_command, {at("a"), "--out", at("all.h5")}).first, 0);
  const auto [code, text] = output(report_command, {at("all.h5"), "--out", at("report")});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("majority class"));
  EXPECT_TRUE(fs::exists(at("report/index.html")));
}

TEST_F(ResultCommands, ReportOfOneRunFolderGoesIntoIt) {
  EXPECT_EQ(output(report_command, {at("a"), "--quiet"}).first, 0);
  EXPECT_TRUE(fs::exists(RunFolder{at("a")}.report() / "report.md"));
}

TEST_F(ResultCommands, TheFolderOfAnArrayIsOneRun) {
  write_array("array", true);
  EXPECT_THAT(output(compare_command, {at("a"), at("array")}).second, HasSubstr("identical: 6 trials"));
  EXPECT_THAT(output(check_command, {at("array")}).second, HasSubstr("6 trial files are sound"));
  EXPECT_THAT(output(merge_command, {at("array"), "--out", at("all.h5")}).second, HasSubstr("6 trials"));
}

TEST_F(ResultCommands, TheReportOfAnArrayShowsWhatNoShardHas) {
  write_array("array", false);
  const auto [code, text] = output(report_command, {at("array")});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("1 of 3 seeds not there yet"));
  EXPECT_TRUE(fs::exists(RunFolder{at("array")}.report() / "report.md"));
}

TEST_F(ResultCommands, AnArraysHolesAreShownOnce) {
  run_.grid.holes.push_back({"minilm", "sst2", "prefix", 100, "no room for a prefix"});
  write_array("array", true);
  output(report_command, {at("array")});
  const std::string cells = tests::contents(RunFolder{at("array")}.report() / "cells.csv");
  EXPECT_EQ(cells.find("no room for a prefix"), cells.rfind("no room for a prefix"));
  EXPECT_NE(cells.find("no room for a prefix"), std::string::npos);
}

TEST_F(ResultCommands, WrongUseIsAnsweredWithWhatIsRight) {
  EXPECT_THROW(merge_command({at("a")}), worker::UsageError);
  EXPECT_THROW(merge_command({"--out", at("x")}), worker::UsageError);
  EXPECT_THROW(report_command({}), worker::UsageError);
  EXPECT_THROW(report_command({at("a"), at("a")}), worker::UsageError);
  EXPECT_THROW(report_command({at("a"), "--ou", at("x")}), worker::UsageError) << "options are not guessed";
  EXPECT_THROW(compare_command({at("a")}), worker::UsageError);
  EXPECT_THROW(compare_command({at("a"), at("a"), "--tolerance", "much"}), worker::UsageError);
  EXPECT_THROW(check_command({at("")}), worker::UsageError);
  EXPECT_THROW(compare_command({at("a"), at("absent")}), checkpoint::FileError);
  for (const auto command : {merge_command, report_command, compare_command, check_command}) {
    EXPECT_THAT(output(command, {"--help"}).second, HasSubstr("orchestrator "));
  }
}

}  // namespace
}  // namespace peftgrid::orchestrator
