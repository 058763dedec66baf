#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/commands/commands.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::orchestrator {
namespace {

using testing::HasSubstr;

/// Exit code and text of `status FOLDER --exit-code`.
std::pair<int, std::string> status_of(const std::filesystem::path& folder) {
  testing::internal::CaptureStdout();
  const int code = status_command({folder.string(), "--exit-code"});
  return {code, testing::internal::GetCapturedStdout()};
}

TEST(Status, OfAFinishedRunIsDone) {
  const tests::TemporaryFolder folder;
  tests::SampleOptions options;
  options.methods = {"full", "lora"};
  tests::write_run(folder.path() / "run", tests::sample_run(options));
  const auto [code, text] = status_of(folder.path() / "run");
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("54 of 54 trials done"));
}

TEST(Status, OfARunThatLacksATrialIsUnfinished) {
  const tests::TemporaryFolder folder;
  tests::SampleRun run = tests::sample_run({});
  run.records.pop_back();
  tests::write_run(folder.path() / "run", run);
  EXPECT_EQ(status_of(folder.path() / "run").first, 4);
}

TEST(Status, CountsNoFileUnderAnotherTrialsName) {
  const tests::TemporaryFolder folder;
  const tests::SampleRun sample = tests::sample_run({});
  tests::write_run(folder.path() / "run", sample);
  const RunFolder run{folder.path() / "run"};
  const std::string& first = sample.records[0].id;
  const std::string& second = sample.records[1].id;
  std::filesystem::copy_file(run.trial(first), run.trial(second), std::filesystem::copy_options::overwrite_existing);
  const auto [code, text] = status_of(run.root);
  EXPECT_EQ(code, 4);
  EXPECT_THAT(text, HasSubstr("188 of 189 trials done"));
}

TEST(Status, OfAStartThatDiedBeforeItWroteItsGridDownIsUnfinished) {
  const tests::TemporaryFolder folder;
  const RunFolder run{folder.path()};
  std::filesystem::create_directories(run.trials());
  Journal(run.journal()).append("start", R"({"ranks": 2, "cores": 2})");
  const auto [code, text] = status_of(folder.path());
  EXPECT_EQ(code, 4);
  EXPECT_THAT(text, HasSubstr("no trial done"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
