#include "orchestrator/report/writers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "checkpoint/merge.hpp"
#include "orchestrator/report/plot_script.hpp"
#include "orchestrator/report/write_report.hpp"
#include "tests/support/sample_reports.hpp"
#include "tests/support/sample_trials.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using tests::cell_of;
using tests::contents;
using tests::report_of;
using tests::sample_run;
using tests::SampleOptions;
using tests::SampleRun;
using tests::small;
using tests::TemporaryFolder;

TEST(Plots, GnuplotReadsNothingIntoAName) {
  EXPECT_EQ(quoted("Bob's 50%\n"), "'Bob''s 50% '");
  EXPECT_EQ(quoted_tic("lora 50%"), "'lora 50%%'");
}

TEST(ReportFormats, PutsTheSizesOfOneTaskBesideEachOtherInLatex) {
  SampleOptions options = small({"full", "lora"}, {"sst2"});
  options.train_sizes = {100, 500};
  const std::string text = latex(report_of(sample_run(options)));
  EXPECT_THAT(text, HasSubstr("method & 100 training rows & 500 training rows"));
  EXPECT_THAT(text, HasSubstr("\\label{tab:scores-1}"));
  EXPECT_THAT(text, Not(HasSubstr("\\label{tab:scores-2}")));
  EXPECT_THAT(text, HasSubstr("\\paragraph{minilm, 500 training rows.} sst2: "));
}

TEST(ReportFormats, BreaksWideTablesInPartsThatAPageHoldsInLatex) {
  const std::string narrow = latex(report_of(sample_run(small({"full", "lora"}, {"sst2"}))));
  EXPECT_THAT(narrow, HasSubstr("\\begin{table}\n"));
  const std::string wide = latex(report_of(
      sample_run(small({"full", "lora"}, {"sst2", "mrpc", "mnli", "tickets", "stsb", "rte", "cola", "qnli"}))));
  EXPECT_THAT(wide, HasSubstr("\\begin{table*}\n"));
  const std::string scores = wide.substr(0, wide.find("\\end{table*}"));
  EXPECT_THAT(scores, HasSubstr("\\medskip"));
  std::size_t methods = 0;
  for (std::size_t at = scores.find("\nlora & "); at != std::string::npos; at = scores.find("\nlora & ", at + 1))
    ++methods;
  EXPECT_GE(methods, 2U) << "each part names the methods";
}

TEST(ReportFormats, HasTheOtherMetricsInCellsCsvAndOnDemandInTables) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small({"full", "lora"}, {"mrpc", "sst2"})));
  const ReportModel model = build_report({folder.path() / "run"});
  EXPECT_THAT(cells_csv(model), HasSubstr("minilm,100,lora,mrpc,test,accuracy,scored,"));
  ASSERT_EQ(model.tables.size(), 1U);
  const ReportModel all = build_report({folder.path() / "run"}, {"", {}, true});
  ASSERT_EQ(all.tables.size(), 2U);
  EXPECT_EQ(all.tables[1].columns[0].metric, "accuracy");
  EXPECT_TRUE(all.tables[1].rows[1].cells[0].verdict.against);
  EXPECT_EQ(cells_csv(all), cells_csv(model));
}

TEST(ReportFormats, IsTheSameFromARunFolderAndFromItsMergedFile) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small({"full", "lora"}, {"mrpc", "sst2"})));
  checkpoint::merge({folder.path() / "run"}, folder.path() / "all.h5");
  EXPECT_EQ(cells_csv(build_report({folder.path() / "all.h5"})), cells_csv(build_report({folder.path() / "run"})));
}

TEST(ReportFormats, HasTheSameBytesEveryTime) {
  const TemporaryFolder folder;
  SampleOptions options = small({"full", "lora", "head"});
  options.train_sizes = {100, 500, 0};
  tests::write_run(folder.path() / "run", sample_run(options));
  write_report({folder.path() / "run"}, folder.path() / "one");
  write_report({folder.path() / "run"}, folder.path() / "two");
  write_report({folder.path() / "run"}, folder.path() / "two");
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "one")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(contents(entry.path()),
              contents(folder.path() / "two" / fs::relative(entry.path(), folder.path() / "one")))
        << entry.path();
  }
  EXPECT_GE(files, 5U);
}

TEST(ReportFormats, HasEachPlotAsPdfThatTellsNoDate) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small()));
  write_report({folder.path() / "run"}, folder.path() / "out");
  std::size_t drawings = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "out" / "plots")) {
    if (entry.path().extension() != ".svg") continue;
    ++drawings;
    const std::string pdf = contents(fs::path(entry.path()).replace_extension(".pdf"));
    EXPECT_TRUE(pdf.starts_with("%PDF"));
    EXPECT_THAT(pdf, HasSubstr("/CreationDate (D:00000000000000"));
  }
  EXPECT_GE(drawings, 2U);
}

TEST(ReportFormats, IsOneSelfContainedPage) {
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", sample_run(small()));
  const std::string page = contents(write_report({folder.path() / "run"}, folder.path() / "out"));
  for (const char* fetched : {"src=", "<link", "<script", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(fetched)));
  EXPECT_THAT(page, HasSubstr("name=\"viewport\""));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">"));
}

TEST(ReportFormats, LetsNoNameBecomeMarkupFormulaOrCommand) {
  SampleRun run = sample_run(small({"full", "lora"}, {"sst2"}));
  const std::string evil = "=1+1|<script>'`touch x`'\\input{y}\"%_$,";
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    worker::TrialSpec& spec = run.grid.trials[i];
    if (spec.label == "lora") spec.label = evil;
    run.records[i].spec = worker::to_json(spec);
  }
  for (auto& cell : run.grid.cells) {
    if (cell.label == "lora") cell.label = evil;
  }
  const TemporaryFolder folder;
  tests::write_run(folder.path() / "run", run);
  write_report({folder.path() / "run"}, folder.path() / "out");
  EXPECT_THAT(contents(folder.path() / "out/index.html"), Not(HasSubstr("<script>")));
  EXPECT_THAT(contents(folder.path() / "out/report.md"), Not(HasSubstr("<script>")));
  EXPECT_THAT(contents(folder.path() / "out/report.md"), Not(HasSubstr("=1+1|")));
  EXPECT_THAT(contents(folder.path() / "out/table.tex"), Not(HasSubstr("\\input{y}")));
  EXPECT_THAT(contents(folder.path() / "out/cells.csv"), HasSubstr("\"'=1+1|"));
  EXPECT_FALSE(fs::exists("x"));
}

TEST(ReportFormats, FitsTheTerminal) {
  SampleOptions options =
      small({"full", "lora", "head"}, {"sst2", "mrpc", "tickets", "rte", "qnli", "cola", "wnli", "mnli"});
  const std::string text = terminal_table(report_of(sample_run(options)));
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; start = end + 1, end = text.find('\n', start)) {
    const std::string line = text.substr(start, end - start);
    const auto wide = std::count_if(line.begin(), line.end(),
                                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    EXPECT_LE(wide, 100) << line;
  }
  EXPECT_THAT(text, HasSubstr("majority class"));
}

TEST(ReportFormats, OfNothingSaysSo) {
  SampleRun run = sample_run(small());
  run.records.clear();
  const ReportModel model = report_of(run);
  EXPECT_THAT(model.remarks, testing::Contains(HasSubstr("no finished trial yet")));
  EXPECT_EQ(cell_of(model, "lora", "sst2").state, ScoreCell::State::Missing);
  EXPECT_THAT(html(model, {}), HasSubstr("nothing is measured yet"));
}

}  // namespace
}  // namespace peftgrid::orchestrator
