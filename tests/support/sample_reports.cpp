#include "tests/support/sample_reports.hpp"

#include <stdexcept>
#include <utility>

namespace peftgrid::tests {

using namespace orchestrator;

SampleOptions small(std::vector<std::string> methods, std::vector<std::string> tasks) {
  SampleOptions options;
  options.methods = std::move(methods);
  options.tasks = std::move(tasks);
  options.train_sizes = {100};
  options.test_rows = 200;
  options.tensor_values = 8;
  return options;
}

ReportModel report_of(const SampleRun& run) {
  const TemporaryFolder folder;
  write_run(folder.path() / "run", run);
  return build_report({folder.path() / "run"});
}

const ScoreCell& cell_of(const ReportModel& model, const std::string& method, const std::string& heading,
                         std::size_t table) {
  const ScoreTable& in = model.tables.at(table);
  for (const MethodRow& row : in.rows) {
    for (std::size_t i = 0; i < in.columns.size(); ++i) {
      if (row.label == method && in.columns[i].heading == heading) return row.cells[i];
    }
  }
  throw std::runtime_error("no cell " + method + " on " + heading);
}

std::string said_of(const ReportModel& model, std::size_t table) {
  std::string text;
  for (const std::string& sentence : model.tables.at(table).sentences) text += sentence + "\n";
  return text;
}

void set_right_rows(checkpoint::TrialRecord& record, std::size_t wrong, std::size_t from) {
  checkpoint::TestResult& test = record.tests[0];
  test.predictions = test.labels;
  for (std::size_t i = 0; i < wrong; ++i) {
    double& prediction = test.predictions[(from + i) % test.labels.size()];
    prediction = prediction == 0 ? 1 : 0;
  }
  for (auto& [metric, value] : test.metrics) {
    if (metric == "accuracy") value = 1 - static_cast<double>(wrong) / static_cast<double>(test.labels.size());
  }
}

std::string notes_of(const ReportModel& model, const ScoreCell& cell) {
  std::string text;
  for (const std::size_t note : cell.notes) text += model.tables[0].notes.at(note) + "\n";
  return text;
}

}  // namespace peftgrid::tests
