#include "orchestrator/run/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "checkpoint/errors.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> kinds(const std::filesystem::path& file) {
  std::vector<std::string> found;
  const JournalContents contents = read_journal(file);
  EXPECT_EQ(contents.damaged, 0);
  for (const Event& event : contents.events) found.push_back(event.kind);
  return found;
}

/// No file may grow beyond `bytes` while it lives: a disk that is full, in the middle of a line if so chosen.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit full{bytes, limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }

 private:
  rlimit limit_{};
  void (*before_)(int);
};

TEST(Journal, KeepsWhatItIsTold) {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "journal";
  Journal journal(file);
  journal.append("start", "{}");
  journal.note("assigned", R"({"id":"a"})");
  journal.sync();
  EXPECT_THAT(kinds(file), ElementsAre("start", "assigned"));
  EXPECT_EQ(read_journal(file).events[1].json, R"({"id":"a"})");
}

TEST(Journal, WritesLaterWhatAFullDiskRefused) {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "journal";
  Journal journal(file);
  journal.append("start", "{}");
  const auto size = std::filesystem::file_size(file);
  {
    const FullDisk full(size + 20);
    journal.note("finished", R"({"id":"a"})");
    journal.note("finished", R"({"id":"b"})");
    try {
      journal.sync();
      FAIL() << "a full disk took lines";
    } catch (const checkpoint::FileError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot write the journal"));
    }
    EXPECT_THROW(journal.append("end", "{}"), checkpoint::FileError);
  }
  journal.sync();
  EXPECT_THAT(kinds(file), ElementsAre("start", "finished", "finished", "end")) << "whole lines, each once";
}

TEST(Journal, BeginsAnewWhereItsFileHasVanished) {
  const tests::TemporaryFolder folder;
  const auto run = folder.path() / "run", file = run / "journal";
  std::filesystem::create_directory(run);
  Journal journal(file);
  journal.append("start", R"({"pid":1})");
  journal.append("grid", "{}");
  journal.append("finished", "{}");
  std::filesystem::remove_all(run);
  journal.note("finished", "{}");
  EXPECT_THROW(journal.sync(), checkpoint::FileError);
  std::filesystem::create_directory(run);
  journal.note("end", "{}");
  journal.sync();
  const auto all = kinds(file);
  ASSERT_GE(all.size(), 4U);
  EXPECT_THAT((std::vector(all.begin(), all.begin() + 2)), ElementsAre("start", "grid"));
  EXPECT_EQ(all.back(), "end");
}

TEST(Journal, GoesOnBehindATornLine) {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "journal";
  std::ofstream(file) << "deadbeef 17";
  Journal(file).append("start", "{}");
  EXPECT_EQ(read_journal(file).events.size(), 1U);
  EXPECT_EQ(read_journal(file).damaged, 1);
}

TEST(Journal, ALineLongerThanAnyOfOursIsDamageAndNotKeptInMemory) {
  const auto file = std::filesystem::path(testing::TempDir()) / "journal_of_zeros";
  std::filesystem::remove(file);
  std::ofstream(file).close();
  std::filesystem::resize_file(file, std::uintmax_t{1} << 30);
  std::ofstream(file, std::ios::app) << "\n";
  {
    Journal journal(file);
    journal.append("end", "{}");
  }
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const JournalContents contents = read_journal(file);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(contents.damaged, 1);
  ASSERT_EQ(contents.events.size(), 1U);
  EXPECT_EQ(contents.events[0].kind, "end");
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 300'000) << "kB";
  std::filesystem::remove(file);
}

TEST(Journal, NumbersBeyondTheirBoundsCostALineNotMore) {
  const RunFolder run{std::filesystem::path(testing::TempDir()) / "journal_of_numbers"};
  std::filesystem::remove_all(run.root);
  std::filesystem::create_directories(run.root);
  Journal(run.journal()).append("start", R"({"ranks":2,"cores":1e300,"host":"a","pid":1})");
  Journal(run.journal()).append("start", R"({"ranks":99999999999999999999,"cores":4,"host":"a","pid":1})");
  const RunState state = read_run_state(run);
  EXPECT_EQ(state.ranks, 2);
  EXPECT_EQ(state.cores, 0);
}

TEST(Journal, AStartThatWasStoppedIsNoMeasureOfItsPlan) {
  const tests::TemporaryFolder folder;
  const RunFolder run{folder.path()};
  Journal journal(run.journal());
  journal.append("plan", R"({"makespan": 9, "lower_bound": 8, "trials": 4, "ranks": 2})");
  journal.append("end", R"({"not_run": 3})");
  EXPECT_EQ(read_run_state(run).prediction.end_s, 0);
  journal.append("end", R"({"not_run": 0})");
  EXPECT_GT(read_run_state(run).prediction.end_s, 0);
}

}  // namespace
}  // namespace peftgrid::orchestrator
