#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// One row. The label of a class is its index in TaskSpec::labels, of a choice its index in TaskSpec::choices; a
/// regression's is its value.
struct Example {
  std::vector<std::string> texts{};    // of TaskSpec::text; of a language model the answer's behind them
  std::vector<std::string> choices{};  // of a choice: those that the row has
  double label = 0;
};

/// All rows of a task, in the files' order.
struct Dataset {
  std::vector<Example> train, validation;
  std::vector<std::vector<Example>> tests;  // as TaskSpec::tests
  std::vector<std::string> labels;          // the label set: the task's, or found in the training file
  std::int64_t skipped_rows = 0;            // malformed ones of files where that is known (QQP)
  std::vector<std::string> notes;           // what a user should know of the files, each named
};

/// Reads all files of a task whole and checks every row. Where `task.labels` is empty (and the kind is classification)
/// the label set is the training file's. Throws UsageError with file, line, what is wrong and what would be right.
Dataset read_dataset(const TaskSpec& task);

/// What planning needs to know of a data set that is read already. `data_sha256` is hashed from the task's files.
TaskFacts facts_of(const TaskSpec& task, const Dataset& data);

/// Where a row of one of the task's files begins, as "FILE:LINE". Reads the file again.
std::string row_place(const TaskSpec& task, const std::string& path, std::int64_t row);

/// A hash over the hashes of all files, in the order train, validation, tests. Throws UsageError.
std::string data_hash(const TaskSpec& task);

}  // namespace peftgrid::worker
