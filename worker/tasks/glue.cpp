#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "checkpoint/plain_file.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/objectives/kinds.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;

struct Glue {
  const char* name;
  const char* folder;  // as GLUE ships it
  std::vector<std::string> text;
  std::string label;
  std::vector<std::string> labels;  // in the order of the Hugging Face builder
  std::vector<std::string> metrics;
  bool symmetric = false;  // as TaskSpec's
};

const std::vector<Glue>& table() {
  static const std::vector<Glue> all = {
      {"cola", "CoLA", {}, "", {"unacceptable", "acceptable"}, {"matthews"}},
      {"sst2", "SST-2", {"sentence"}, "label", {"negative", "positive"}, {"accuracy"}},
      {"mrpc",
       "MRPC",
       {"#1 String", "#2 String"},
       "Quality",
       {"not_equivalent", "equivalent"},
       {"f1", "accuracy"},
       true},
      {"stsb", "STS-B", {"sentence1", "sentence2"}, "score", {}, {"spearman", "pearson"}, true},
      {"qqp",
       "QQP",
       {"question1", "question2"},
       "is_duplicate",
       {"not_duplicate", "duplicate"},
       {"f1", "accuracy"},
       true},
      {"mnli",
       "MNLI",
       {"sentence1", "sentence2"},
       "gold_label",
       {"entailment", "neutral", "contradiction"},
       {"accuracy"}},
      {"qnli", "QNLI", {"question", "sentence"}, "label", {"entailment", "not_entailment"}, {"accuracy"}},
      {"rte", "RTE", {"sentence1", "sentence2"}, "label", {"entailment", "not_entailment"}, {"accuracy"}},
      {"wnli", "WNLI", {"sentence1", "sentence2"}, "label", {"not_entailment", "entailment"}, {"accuracy"}},
  };
  return all;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "sst-2", "SST2" and "sst_2" are one name.
std::string plain(const std::string& text) {
  std::string out = lower(text);
  std::erase_if(out, [](char c) { return c == '-' || c == '_'; });
  return out;
}

fs::path task_folder(const Glue& task, const fs::path& data) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data, error)) {
    const std::string name = plain(entry.path().filename().string());
    if (entry.is_directory(error) && (name == plain(task.folder) || name == task.name)) return entry.path();
  }
  throw UsageError(fmt::format("{}: no folder {} for the task {}", data.string(), task.folder, task.name));
}

std::string file_in(const fs::path& folder, const std::string& name, const char* task) {
  std::error_code error;
  const fs::path file = folder / name;
  if (!fs::is_regular_file(file, error)) {
    throw UsageError(fmt::format("{}: {}; the task {} needs it, in GLUE's own layout", file.string(),
                                 checkpoint::absence(file, "file"), task));
  }
  return file.string();
}

}  // namespace

std::vector<std::string> glue_tasks() {
  std::vector<std::string> names;
  for (const Glue& task : table()) names.emplace_back(task.name);
  return names;
}

std::vector<std::string> glue_suite() {
  std::vector<std::string> names = glue_tasks();
  std::erase(names, "wnli");
  return names;
}

TaskSpec glue_task(const std::string& name, const std::string& data) {
  const auto found = std::ranges::find_if(table(), [&](const Glue& task) { return task.name == name; });
  if (found == table().end()) throw UsageError("no built-in task " + in_quotes(name));
  std::error_code error;
  if (!fs::is_directory(data, error)) {
    throw UsageError(data + ": " + checkpoint::absence(data, "folder") + "; `data` is where GLUE's folders lie");
  }
  const fs::path folder = task_folder(*found, data);

  TaskSpec task;
  task.name = found->name;
  task.symmetric = found->symmetric;
  task.kind = found->labels.empty() ? kRegression : kClassification;
  task.format = "tsv";
  task.train = file_in(folder, "train.tsv", found->name);
  if (name == "mnli") {
    for (const char* part : {"matched", "mismatched"}) {
      task.tests.push_back({part, file_in(folder, fmt::format("dev_{}.tsv", part), found->name)});
    }
  } else {
    task.tests.push_back({"test", file_in(folder, "dev.tsv", found->name)});
  }
  task.header = name != "cola";
  if (task.header) {
    for (const std::string& column : found->text) task.text.push_back({column, -1});
    task.label = {found->label, -1};
  } else {
    task.text = {{"", 3}};
    task.label = {"", 1};
  }
  task.labels = found->labels;
  task.metrics = found->metrics;
  if (found->labels.empty()) task.targets = "standardized";
  task.test_is_dev = true;
  return task;
}

}  // namespace peftgrid::worker
