#include "worker/tasks/task.hpp"

#include <fmt/format.h>

#include "checkpoint/errors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/labels.hpp"
#include "worker/tasks/read_table.hpp"
#include "worker/tasks/sampling.hpp"

namespace peftgrid::worker {

namespace {

TableRequest request_for(const TaskSpec& task, const std::string& path) {
  TableRequest request{task.format.empty() ? format_of(path) : task.format, task.header, task.text, false};
  request.columns.push_back(task.label);
  // A few rows of the official QQP files are known to be broken; every loader of GLUE leaves them out.
  request.skip_malformed = task.test_is_dev && task.name == "qqp";
  return request;
}

std::vector<Example> examples_of(Table table, const TaskSpec& task, const LabelReader& labels,
                                 const std::string& path) {
  std::vector<Example> examples;
  examples.reserve(table.rows.size());
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::vector<std::string>& row = table.rows[i];
    Example& example = examples.emplace_back();
    example.pair = task.text.size() == 2;
    example.label = labels.read(row.back(), path, table.lines[i]);
    example.first = std::move(row[0]);
    if (example.pair) example.second = std::move(row[1]);
  }
  return examples;
}

std::vector<std::filesystem::path> files_of(const TaskSpec& task) {
  std::vector<std::filesystem::path> files = {task.train};
  if (!task.validation.empty()) files.emplace_back(task.validation);
  for (const TestFile& test : task.tests) files.emplace_back(test.path);
  return files;
}

}  // namespace

// A hash of hashes: rows that move from one file to the next change it.
std::string data_hash(const TaskSpec& task) {
  std::string all;
  try {
    for (const auto& file : files_of(task)) all += checkpoint::sha256_of_files({file});
  } catch (const checkpoint::FileError& error) {
    throw UsageError(error.what());
  }
  return checkpoint::sha256(all);
}

Dataset read_dataset(const TaskSpec& task) {
  Dataset data;
  Table train = read_table(task.train, request_for(task, task.train));
  data.labels = task.labels;
  if (data.labels.empty() && has_classes(task)) data.labels = labels_of(train, task.text.size(), task.train);
  const LabelReader labels(task, data.labels);
  data.skipped_rows = train.skipped;
  data.train = examples_of(std::move(train), task, labels, task.train);
  const auto read = [&](const std::string& path) {
    Table table = read_table(path, request_for(task, path));
    data.skipped_rows += table.skipped;
    return examples_of(std::move(table), task, labels, path);
  };
  if (!task.validation.empty()) data.validation = read(task.validation);
  for (const TestFile& test : task.tests) data.tests.push_back(read(test.path));
  return data;
}

TaskFacts facts_of(const TaskSpec& task, const Dataset& data) {
  TaskFacts facts;
  facts.train_rows = static_cast<std::int64_t>(data.train.size());
  facts.validation_rows = static_cast<std::int64_t>(data.validation.size());
  for (const auto& test : data.tests) facts.test_rows.push_back(static_cast<std::int64_t>(test.size()));
  facts.labels = data.labels;
  facts.skipped_rows = data.skipped_rows;
  facts.train_share.assign(data.labels.size(), 0.0);
  double characters = 0;
  const double rows = static_cast<double>(data.train.size());
  for (const Example& example : data.train) {
    characters += static_cast<double>(example.first.size() + example.second.size());
    if (data.labels.empty()) continue;
    facts.train_labels.push_back(static_cast<std::int32_t>(example.label));
    facts.train_share[static_cast<std::size_t>(example.label)] += 1 / rows;
  }
  facts.mean_characters = characters / rows;
  facts.data_sha256 = data_hash(task);
  return facts;
}

TaskFacts inspect_task(const TaskSpec& task) {
  return facts_of(task, read_dataset(task));
}

std::vector<std::string> missing_labels(const TrialSpec& spec, const TaskFacts& task) {
  const Sample rows = sample_of(spec, task.train_rows);
  std::vector<bool> seen(task.labels.size());
  if (!task.train_labels.empty()) {
    for (const std::int64_t row : rows.train) {
      seen[static_cast<std::size_t>(task.train_labels[static_cast<std::size_t>(row)])] = true;
    }
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) missing.push_back(task.labels[i]);
  }
  return missing;
}

}  // namespace peftgrid::worker
