#include "worker/tasks/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "checkpoint/errors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/labels.hpp"
#include "worker/tasks/read_table.hpp"
#include "worker/tasks/sampling.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

TableRequest request_for(const TaskSpec& task, const std::string& path) {
  TableRequest request{task.format.empty() ? format_of(path) : task.format, task.header, task.text, false,
                       task.delimiter};
  request.columns.insert(request.columns.end(), task.choices.begin(), task.choices.end());
  request.columns.push_back(task.label);
  // A few rows of the official QQP files are known to be broken; every loader of GLUE leaves them out.
  request.skip_malformed = task.test_is_dev && task.name == "qqp";
  return request;
}

bool all_alike(const std::vector<Example>& rows) {
  return !rows.empty() &&
         std::ranges::all_of(rows, [&](const Example& row) { return row.label == rows.front().label; });
}

/// The choices that a row has: those behind its last one may be empty.
std::vector<std::string> choices_of(const std::vector<std::string>& row, const TaskSpec& task,
                                    const std::string& place) {
  const auto first = row.begin() + static_cast<std::ptrdiff_t>(task.text.size());
  std::vector<std::string> choices(first, first + static_cast<std::ptrdiff_t>(task.choices.size()));
  while (!choices.empty() && choices.back().empty()) choices.pop_back();
  if (std::ranges::find(choices, std::string()) != choices.end()) {
    throw UsageError(place + ": a choice is empty, and a later one is not; only a row's last choices may be missing");
  }
  if (!task.choices.empty() && choices.size() < 2) {
    throw UsageError(fmt::format("{}: the row has {} of {} choices; there must be two to choose from", place,
                                 choices.size(), task.choices.size()));
  }
  return choices;
}

std::vector<Example> examples_of(Table table, const TaskSpec& task, const LabelReader& labels,
                                 const std::string& path) {
  std::vector<Example> examples;
  examples.reserve(table.rows.size());
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::vector<std::string>& row = table.rows[i];
    Example& example = examples.emplace_back();
    example.choices = choices_of(row, task, fmt::format("{}:{}", path, table.lines[i]));
    if (task.kind != kLanguageModel) example.label = labels.read(row.back(), path, table.lines[i]);
    if (!example.choices.empty() && example.label >= static_cast<double>(example.choices.size())) {
      throw UsageError(fmt::format("{}:{}: the label {} names a choice that the row has not", path, table.lines[i],
                                   in_quotes(row.back())));
    }
    const auto texts = task.text.size();
    example.texts.assign(std::make_move_iterator(row.begin()),
                         std::make_move_iterator(row.begin() + static_cast<std::ptrdiff_t>(texts)));
    if (task.kind == kLanguageModel) example.texts.push_back(std::move(row.back()));
  }
  return examples;
}

/// Is a field quoted as RFC 4180 has it: at both ends, and twice where it is part of the text? `doubled`: it is
/// somewhere.
bool is_quoted(const std::string& field, bool& doubled) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return false;
  for (std::size_t at = 1; at + 1 < field.size(); ++at) {
    if (field[at] != '"') continue;
    if (field[at + 1] != '"' || at + 2 == field.size()) return false;
    doubled = true;
    ++at;
  }
  return true;
}

/// Spreadsheets quote all fields, or those that hold a quote, and write tables that say that they have none.
void note_quotes(const TaskSpec& task, const Table& table, const TableRequest& request,
                 std::vector<std::string>& notes) {
  if (request.format != "tsv" || task.test_is_dev) return;
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    bool doubled = false;
    const auto quoted = std::ranges::count_if(
        table.rows, [&](const std::vector<std::string>& row) { return is_quoted(row[i], doubled); });
    if (!doubled && 2 * quoted <= static_cast<std::ptrdiff_t>(table.rows.size())) continue;
    const Column& column = request.columns[i];
    notes.push_back(fmt::format(
        "{}: {} of {} fields of the column {} are quoted, and the quotes are part of the text; "
        "`quotes: true` takes them off",
        task.train, quoted, table.rows.size(), column.name.empty() ? std::to_string(column.index) : column.name));
  }
}

std::string label_text(const TaskSpec& task, const Dataset& data, double label) {
  return has_classes(task) ? "label " + in_quotes(data.labels[static_cast<std::size_t>(label)])
                           : fmt::format("value {}", label);
}

bool correlates(const TaskSpec& task) {
  return std::ranges::any_of(task.metrics, [](const auto& name) { return name == "pearson" || name == "spearman"; });
}

/// What scores say nothing on: labels that are all the same.
void note_constant(const TaskSpec& task, const Dataset& data, const std::vector<Example>& rows, const std::string& path,
                   std::vector<std::string>& notes) {
  if (!all_alike(rows) || (!has_classes(task) && !correlates(task))) return;
  const std::string which = rows.size() == 1 ? "its only row has" : fmt::format("all {} rows have", rows.size());
  notes.push_back(fmt::format(
      "{}: {} the {}; {}", path, which, label_text(task, data, rows[0].label),
      has_classes(task) ? "a metric that compares classes says nothing there" : "a correlation is undefined there"));
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
  const TableRequest request = request_for(task, task.train);
  Table train = read_table(task.train, request);
  note_quotes(task, train, request, data.notes);
  data.labels = task.labels;
  if (data.labels.empty() && has_classes(task)) {
    data.labels = labels_of(train, request.columns.size() - 1, task.train, request.format == "jsonl");
  }
  std::vector<std::string> paths = {task.train};
  if (!task.validation.empty()) paths.push_back(task.validation);
  for (const TestFile& test : task.tests) paths.push_back(test.path);
  std::vector<Table> tables;
  tables.push_back(std::move(train));
  for (std::size_t i = 1; i < paths.size(); ++i) tables.push_back(read_table(paths[i], request_for(task, paths[i])));
  const LabelReader labels(task, data.labels, task.kind == kChoice && names_choices(task, tables));
  std::size_t next = 0;
  const auto take = [&] {
    Table& table = tables[next];
    data.skipped_rows += table.skipped;
    return examples_of(std::move(table), task, labels, paths[next++]);
  };
  data.train = take();
  if (!task.validation.empty()) data.validation = take();
  while (next < tables.size()) data.tests.push_back(take());
  return data;
}

std::string row_place(const TaskSpec& task, const std::string& path, std::int64_t row) {
  const Table table = read_table(path, request_for(task, path));
  return fmt::format("{}:{}", path, table.lines.at(static_cast<std::size_t>(row)));
}

TaskFacts facts_of(const TaskSpec& task, const Dataset& data) {
  TaskFacts facts;
  facts.train_rows = static_cast<std::int64_t>(data.train.size());
  facts.validation_rows = static_cast<std::int64_t>(data.validation.size());
  for (const auto& test : data.tests) facts.test_rows.push_back(static_cast<std::int64_t>(test.size()));
  facts.labels = data.labels;
  facts.skipped_rows = data.skipped_rows;
  facts.train_share.assign(data.labels.size(), 0.0);
  facts.notes = data.notes;
  std::vector<std::int64_t> rows_of(data.labels.size());
  double characters = 0;
  const double rows = static_cast<double>(data.train.size());
  for (const Example& example : data.train) {
    for (const auto* texts : {&example.texts, &example.choices}) {
      for (const std::string& text : *texts) characters += static_cast<double>(text.size());
    }
    if (data.labels.empty()) {
      if (task.kind == kRegression) facts.train_values.push_back(example.label);
      continue;
    }
    ++rows_of[static_cast<std::size_t>(example.label)];
    facts.train_labels.push_back(static_cast<std::int32_t>(example.label));
    facts.train_share[static_cast<std::size_t>(example.label)] += 1 / rows;
  }
  facts.mean_characters = characters / rows;
  if (task.labels.empty() && has_classes(task)) {
    const auto notes = notes_on_labels(data.labels, rows_of, task.train);
    facts.notes.insert(facts.notes.end(), notes.begin(), notes.end());
  }
  if (task.kind == kRegression && all_alike(data.train)) {
    facts.notes.push_back(fmt::format("{}: all {} rows have the {}; there is nothing to learn", task.train,
                                      data.train.size(), label_text(task, data, data.train[0].label)));
  }
  for (std::size_t i = 0; i < data.tests.size(); ++i)
    note_constant(task, data, data.tests[i], task.tests[i].path, facts.notes);
  facts.constant_validation = all_alike(data.validation);
  facts.data_sha256 = data_hash(task);
  return facts;
}

TaskFacts inspect_task(const TaskSpec& task) {
  return facts_of(task, read_dataset(task));
}

std::int64_t training_rows(const TrialSpec& spec, const TaskFacts& task) {
  return spec.train_size > 0 ? spec.train_size : task.train_rows - spec.selection.kept_out();
}

bool selects_among_equals(const TrialSpec& spec, const TaskFacts& task) {
  if (spec.selection.from == "validation") return task.constant_validation;
  if (spec.selection.from != "rows") return false;
  const auto alike = [&](const auto& labels, const std::vector<std::int64_t>& rows) {
    return std::ranges::all_of(rows, [&](std::int64_t row) {
      return labels[static_cast<std::size_t>(row)] == labels[static_cast<std::size_t>(rows.front())];
    });
  };
  if (task.train_labels.empty() && task.train_values.empty()) return false;
  const Sample rows = sample_of(spec, task.train_rows);
  return task.train_labels.empty() ? alike(task.train_values, rows.selection)
                                   : alike(task.train_labels, rows.selection);
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
