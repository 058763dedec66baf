#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "orchestrator/commands/commands.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "tests/support/sample_trials.hpp"
#include "worker/text.hpp"

// Names, reasons and warnings out of files that anybody may have made, and names of files and folders.
namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// An escape sequence, a line that would look like the program's own, and a row of a table.
constexpr const char* kHostile =
    "x\x1b[31m\nidentical: 9 trials\n| forged |\r\xc2\x9b"
    "2J\xe2\x80\xa8y";

class HostileTexts : public testing::Test {
 protected:
  HostileTexts() {
    tests::SampleOptions options;
    options.methods = {"full", "lora"};
    options.tasks = {"sst2"};
    options.train_sizes = {100};
    options.test_rows = 50;
    run_ = tests::sample_run(options);
    for (std::size_t i = 0; i < run_.records.size(); ++i) spoil(i);
    tests::write_run(run().root, run_);
    std::ofstream(run().trials() / "torn\x1b[31m\nidentical\xff.h5") << "not HDF5";
  }

  /// All texts of a trial that a reader might show. JSON holds UTF-8; the record's own texts are bytes.
  void spoil(std::size_t i) {
    worker::TrialSpec& spec = run_.grid.trials[i];
    checkpoint::TrialRecord& record = run_.records[i];
    spec.label += kHostile;
    spec.backbone.name += kHostile;
    spec.task.name += kHostile;
    spec.task.labels = {kHostile, "1"};
    spec.task.metrics = {std::string("accuracy") + kHostile};
    spec.method.options["text"] = std::string(kHostile) + std::to_string(i);
    record.spec = worker::to_json(spec);
    nlohmann::json environment = nlohmann::json::parse(record.environment);
    environment["cpu"] = kHostile + std::to_string(i);
    environment["commit"] = kHostile;
    record.environment = environment.dump();
    record.tests[0].metrics[0].first = spec.task.metrics[0];
    record.warnings = {std::string("warning \xff\xfe") + kHostile};
    if (i == 0) {
      record.state = "diverged";
      record.reason = std::string("reason \xff") + kHostile;
    }
    for (Cell& cell : run_.grid.cells) {
      cell.backbone = spec.backbone.name;
      cell.task = spec.task.name;
    }
  }
  RunFolder run() const { return {folder_.path() / "run\x1b[31m\nidentical\xff"}; }
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  /// What a command prints on both streams; it must end as commands end.
  static std::string output(int (*command)(const Arguments&), const Arguments& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = command(arguments);
    EXPECT_TRUE(code == 0 || code == 3) << code;
    return testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  }
  static void expect_harmless(const std::string& text, const std::string& where) {
    EXPECT_EQ(worker::shown(text, worker::Lines::Keep), text) << where;
    EXPECT_THAT(text, Not(HasSubstr("\nidentical"))) << where << " shows a line of a file's as its own";
    EXPECT_THAT(text, Not(HasSubstr("\n| forged"))) << where << " shows a row of a file's as its own";
  }

  tests::SampleRun run_;
  tests::TemporaryFolder folder_;
};

TEST_F(HostileTexts, ReachNeitherTerminalNorAnyFileOfAReport) {
  expect_harmless(output(report_command, {run().root, "--out", at("report")}), "the terminal");
  for (const char* name : {"report.md", "cells.csv", "trials.csv", "table.tex", "index.html"}) {
    const std::string text = tests::contents(folder_.path() / "report" / name);
    EXPECT_THAT(text, HasSubstr("x1b")) << name << " shows none of them";
    expect_harmless(text, name);
  }
}

TEST_F(HostileTexts, ReachNoTerminalFromCheckMergeCompareOrStatus) {
  tests::SampleRun other = run_;
  other.records[1].tests[0].metrics[0].second += 0.25;
  other.records[2].state = std::string("st\xff") + kHostile;
  other.records.pop_back();
  tests::write_run(folder_.path() / "other", other);
  const std::string root = run().root;
  const std::string checked = output(check_command, {root}),
                    merged = output(merge_command, {root, "--out", at("all\n\xff")}),
                    compared = output(compare_command, {root, at("other")}), stands = output(status_command, {root});
  EXPECT_THAT(checked, HasSubstr("torn: "));
  EXPECT_THAT(merged, HasSubstr("left out: "));
  EXPECT_THAT(compared, HasSubstr("only in "));
  EXPECT_THAT(stands, HasSubstr("6 of 6 trials done"));
  expect_harmless(checked, "check");
  expect_harmless(merged, "merge");
  expect_harmless(compared, "compare");
  expect_harmless(stands, "status");
}

TEST_F(HostileTexts, NestedTwentyThousandDeepAreNoJsonToReadFor) {
  checkpoint::TrialRecord& record = run_.records[0];
  record.spec = std::string(20'000, '[') + std::string(20'000, ']');
  run_.records[1].environment = record.spec;
  tests::write_run(folder_.path() / "deep", run_);
  EXPECT_THAT(output(report_command, {at("deep")}), HasSubstr("trial spec: not JSON"));
  EXPECT_THAT(output(check_command, {at("deep")}), HasSubstr("trial spec: not JSON"));
  EXPECT_THAT(output(compare_command, {at("deep"), run().root}), HasSubstr("not identical"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
