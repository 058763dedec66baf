#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(Status, CountsDownWhatTheRunItselfLastExpected) {
  const tests::TemporaryFolder folder;
  const RunFolder run{folder.path()};
  std::filesystem::create_directories(run.trials());
  Journal journal(run.journal());
  journal.append("plan", R"({"makespan": 500, "lower_bound": 500, "trials": 2, "ranks": 1})");
  const double planned = read_run_state(run).end_estimate_s;
  journal.append("assigned", R"({"id": "0123456789abcdef", "rank": 0, "ranks": [0], "left": 300})");
  EXPECT_NEAR(planned - read_run_state(run).end_estimate_s, 200, 5);
}

TEST(Status, AsJsonSaysWhatTheLinesSay) {
  const tests::TemporaryFolder folder;
  tests::SampleRun run = tests::sample_run({});
  run.records.pop_back();
  tests::write_run(folder.path() / "run", run);
  testing::internal::CaptureStdout();
  status_command({(folder.path() / "run").string(), "--json"});
  const auto told = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(told["trials"], 189);
  EXPECT_EQ(told["done"], 188);
  EXPECT_EQ(told["cells_done"], told["cells"].get<int>() - 1);
  EXPECT_TRUE(told["at_work"].empty());
  EXPECT_TRUE(told["left_s"].is_null());
}

TEST(Status, OfARunThatANarrowedStartWentOnWithHasAllCells) {
  tests::SampleOptions narrowed;
  narrowed.methods = {"lora"};
  const tests::TemporaryFolder folder;
  const tests::SampleRun whole = tests::sample_run({});
  tests::write_run(folder.path() / "run", whole);
  const RunFolder run{folder.path() / "run"};
  const RunState before = read_run_state(run);
  Journal(run.journal()).append("grid", grid_event(tests::sample_run(narrowed).grid, before));
  const RunState after = read_run_state(run);
  ASSERT_EQ(after.cells.size(), before.cells.size());
  for (std::size_t i = 0; i < after.cells.size(); ++i) {
    EXPECT_EQ(after.cells[i].id, before.cells[i].id);
    EXPECT_EQ(after.cells[i].trials, before.cells[i].trials);
  }
}

TEST(Status, OfARunWithTwoNarrowedStartsHasTheCellsOfBoth) {
  tests::SampleOptions first, second;
  first.methods = {"lora"};
  second.methods = {"bitfit"};
  const tests::TemporaryFolder folder;
  tests::write_run(folder.path() / "run", tests::sample_run(first));
  const RunFolder run{folder.path() / "run"};
  Journal(run.journal()).append("grid", grid_event(tests::sample_run(second).grid, read_run_state(run)));
  EXPECT_EQ(read_run_state(run).cells.size(), 18U);
}

}  // namespace
}  // namespace peftgrid::orchestrator
