#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/grid/grid_file.hpp"
#include "orchestrator/grid/task_columns.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/catalogue.hpp"
#include "worker/tasks/metrics.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

const std::vector<std::string> kFormats = {"tsv", "csv", "jsonl"};
const std::vector<std::string> kTargets = {"standardized", "raw"};

std::string format_for(const Node& train) {
  const std::string& path = train.scalar;
  const std::string format = worker::format_of(path);
  if (!format.empty()) return format;
  if (path.ends_with(".json")) {
    train.fail(
        fmt::format("{} is one JSON value by its ending; JSON Lines, one object a line, would be right: end it "
                    ".jsonl (`jq -c '.[]'` writes it of a list), or add `format: jsonl` if it is that",
                    worker::in_quotes(path)));
  }
  train.fail(fmt::format("the ending of {} names no format; end it .tsv, .csv or .jsonl, or add `format:`",
                         worker::in_quotes(path)));
}

/// A task's files are read alike; where only their names say how, those must agree.
void check_alike(const Node& file, const worker::TaskSpec& task) {
  for (const Node::Entry& one : file.entries) check_alike(one.value, task);
  const std::string format = worker::format_of(file.scalar);
  if (format.empty() || format == task.format) return;
  file.fail(
      fmt::format("{} is {} by its ending, and the training file is {}; write both alike, or say `format:` if an "
                  "ending is wrong",
                  worker::in_quotes(file.scalar), format, task.format));
}

std::string read_delimiter(const Node& node) {
  constexpr std::string_view kNone = "\"\r\n";
  const std::string text = text_of(node, "delimiter");
  if (text == "tab") return "\t";
  const bool plain = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80;
  if (plain && kNone.find(text[0]) == std::string_view::npos) return text;
  node.fail(
      fmt::format("delimiter is {}; one character such as \";\", or tab, would be right", worker::in_quotes(text)));
}

/// How a table's fields are told apart. A format is a way of quoting: with quotes CSV's, without them TSV's, each with
/// any delimiter.
void read_fields(const Node& node, worker::TaskSpec& task) {
  const Node *delimiter = node.find("delimiter"), *quotes = node.find("quotes");
  for (const Node* one : {delimiter, quotes}) {
    if (one != nullptr && task.format == "jsonl")
      one->fail("delimiter and quotes are for tables; JSON Lines has neither");
  }
  if (delimiter != nullptr) task.delimiter = read_delimiter(*delimiter);
  if (quotes != nullptr) {
    const std::string format = boolean_of(*quotes, "quotes") ? "csv" : "tsv";
    if (format != task.format && task.delimiter.empty()) task.delimiter = task.format == "tsv" ? "\t" : ",";
    task.format = format;
  }
  if (task.delimiter == (task.format == "tsv" ? "\t" : ",")) task.delimiter.clear();
}

/// One path, or a map of names and paths where there are several test sets; the first is tabulated.
std::vector<worker::TestFile> read_tests(const Node& node, const PathBase& paths) {
  if (node.kind != Node::Kind::Map) return {{"test", paths.absolute(node, "test")}};
  if (node.entries.empty()) node.fail("test is empty; give the file that is reported");
  std::vector<worker::TestFile> tests;
  for (const Node::Entry& entry : node.entries) {
    tests.push_back({name_of(entry.key_node, "a test set's name"), paths.absolute(entry.value, "test." + entry.key)});
  }
  return tests;
}

std::vector<std::string> kinds() {
  std::vector<std::string> names;
  for (const worker::KindInfo& kind : worker::task_kinds()) names.push_back(kind.name);
  return names;
}

void refuse_metric_of_another(const Node& item, const std::string& kind) {
  for (const worker::KindInfo& other : worker::task_kinds()) {
    const bool own =
        std::ranges::find(worker::find_kind(kind)->metrics, item.scalar) != worker::find_kind(kind)->metrics.end();
    if (own || std::ranges::find(other.metrics, item.scalar) == other.metrics.end()) continue;
    item.fail(fmt::format("{} is a metric of a {}, and this task is a {}; `kind: {}` would make it one", item.scalar,
                          other.name, kind, other.name));
  }
}

std::vector<std::string> read_metrics(const Node& node, const std::string& kind) {
  std::vector<std::string> metrics;
  for (const Node* item : items_of(node, "metrics")) {
    refuse_metric_of_another(*item, kind);
    metrics.push_back(choice_of(*item, "a metric of a " + kind, worker::find_kind(kind)->metrics));
    if (std::ranges::count(metrics, metrics.back()) > 1)
      item->fail(fmt::format("the metric {} is here twice", metrics.back()));
  }
  return metrics;
}

std::vector<std::string> read_labels(const Node& node) {
  std::vector<std::string> labels;
  for (const Node* item : items_of(node, "labels")) {
    labels.push_back(text_of(*item, "a label"));
    if (std::ranges::count(labels, labels.back()) > 1) {
      item->fail(fmt::format("the label {} is here twice", worker::in_quotes(labels.back())));
    }
  }
  if (labels.size() < 2) node.fail("labels has one label; a classification needs at least two");
  return labels;
}

std::string read_targets(const Node* node, const std::string& kind) {
  only_for(node, "targets", kind, {worker::kRegression});
  if (kind != worker::kRegression) return "raw";
  return node == nullptr ? "standardized" : choice_of(*node, "targets", kTargets);
}

/// Of the first metric: points, or where that is an error its own units. A built-in task's default is in points.
double read_margin(const Node& node, const worker::TaskSpec& task) {
  if (task.metrics.empty() || worker::find_metric(task.metrics.front())->in_points()) return margin_of(node);
  return real_of(node, "margin", 1e-9, 1e9);
}

void read_own(const Node& node, const PathBase& paths, TaskEntry& entry) {
  worker::TaskSpec& task = entry.spec;
  const Node& train = required(node, "train", task.name, "give the file of its training rows");
  task.train = paths.absolute(train, "train");
  task.tests = read_tests(required(node, "test", task.name, "give the file that is reported"), paths);
  if (const Node* validation = node.find("validation")) task.validation = paths.absolute(*validation, "validation");
  if (const Node* kind = node.find("kind")) task.kind = choice_of(*kind, "kind", kinds());
  const Node* format = node.find("format");
  task.format = format ? choice_of(*format, "format", kFormats) : format_for(train);
  for (const char* key : {"test", "validation"}) {
    const Node* file = node.find(key);
    if (format == nullptr && file != nullptr) check_alike(*file, task);
  }
  read_fields(node, task);
  if (const Node* header = node.find("header")) {
    task.header = boolean_of(*header, "header");
    if (task.format == "jsonl" && !task.header)
      header->fail("header is for tables; JSON Lines names its keys in every row");
  }
  read_columns(node, task);
  task.targets = read_targets(node.find("targets"), task.kind);
  only_for(node.find("labels"), "labels", task.kind, {worker::kClassification});
  if (const Node* labels = node.find("labels")) task.labels = read_labels(*labels);
  if (const Node* metrics = node.find("metrics")) {
    task.metrics = read_metrics(*metrics, task.kind);
  } else {
    task.metrics = worker::find_kind(task.kind)->default_metrics;
  }
}

TaskEntry read_task(const Node& node, const PathBase& paths) {
  const std::vector<std::string> built_in = worker::glue_tasks();
  TaskEntry entry;
  entry.node = node;
  if (node.kind != Node::Kind::Map) {
    entry.spec.name = text_of(node, "a task");
    entry.built_in = true;
    if (std::ranges::find(built_in, entry.spec.name) == built_in.end()) {
      node.fail(
          fmt::format("no built-in task {}{} (a task of your own is a map with name, train, test, text and label)",
                      worker::in_quotes(entry.spec.name), suggestion(entry.spec.name, built_in)));
    }
    return entry;
  }
  check_keys(node, "a task", {"name",    "train",    "validation", "test",      "format",   "delimiter", "quotes",
                              "header",  "text",     "label",      "labels",    "kind",     "metrics",   "margin",
                              "targets", "training", "choices",    "symmetric", "template", "answer",    "loss"});
  const Node* name = node.find("name");
  if (name == nullptr) node.fail("this task has no name; reports need one");
  entry.spec.name = name_of(*name, "name");
  for (const Node::Entry& given : node.entries) entry.origins[given.key] = given.value.origin;
  const bool known = std::ranges::find(built_in, entry.spec.name) != built_in.end();
  entry.built_in = known && node.find("train") == nullptr;
  if (entry.built_in) {
    check_keys(node, "the built-in task " + entry.spec.name, {"name", "metrics", "margin", "targets", "training"});
    const std::string kind = entry.spec.name == "stsb" ? "regression" : "classification";
    if (const Node* metrics = node.find("metrics")) entry.spec.metrics = read_metrics(*metrics, kind);
    entry.spec.targets = read_targets(node.find("targets"), kind);
  } else {
    read_own(node, paths, entry);
  }
  if (const Node* margin = node.find("margin")) entry.margin = read_margin(*margin, entry.spec);
  if (const Node* training = node.find("training")) entry.training = TrainingLayer(*training);
  return entry;
}

/// `glue` stands for its tasks, as the benchmark's papers report them.
std::vector<Node> with_suites(const std::vector<const Node*>& given) {
  std::vector<Node> items;
  for (const Node* item : given) {
    if (item->kind != Node::Kind::Scalar || worker::folded(item->scalar) != "glue") {
      items.push_back(*item);
      continue;
    }
    for (const std::string& name : worker::glue_suite()) items.emplace_back(*item).scalar = name;
  }
  return items;
}

}  // namespace

std::vector<TaskEntry> read_tasks(const Node& node, const PathBase& paths) {
  std::vector<TaskEntry> tasks;
  const std::vector<Node> items = with_suites(items_of(node, "tasks"));
  for (const Node& item : items) {
    tasks.push_back(read_task(item, paths));
    for (std::size_t i = 0; i + 1 < tasks.size(); ++i) {
      if (tasks[i].spec.name == tasks.back().spec.name) {
        item.fail(fmt::format("two tasks are called {}; names must differ", worker::in_quotes(tasks[i].spec.name)));
      }
    }
  }
  return tasks;
}

}  // namespace peftgrid::orchestrator
