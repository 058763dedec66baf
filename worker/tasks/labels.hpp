#pragma once

#include <string>
#include <vector>

#include "worker/tasks/read_table.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The label set of a training file: sorted, numbers by value where all are numbers. In JSON 1 and 1.0 are one number,
/// and so one label (`json`), the shortest. Throws UsageError when there are fewer than two labels, or so many that the
/// column cannot be one of classes.
std::vector<std::string> labels_of(const Table& train, std::size_t column, const std::string& where, bool json);

/// What a user should know of a label set found in a file, and of how many rows have each: labels that differ only in
/// case, blanks or form of number, that stand for none, that look like values to predict.
std::vector<std::string> notes_on_labels(const std::vector<std::string>& labels, const std::vector<std::int64_t>& rows,
                                         const std::string& where);

/// Turns the text of a label column into the number an Example holds.
class LabelReader {
 public:
  /// `choices_by_name`: what names_choices said of all labels of a choice task.
  LabelReader(const TaskSpec& task, std::vector<std::string> labels, bool choices_by_name)
      : task_(task), labels_(std::move(labels)), choices_by_name_(choices_by_name) {}
  /// Throws UsageError naming file and line where the text is no label of the set, or no number.
  double read(const std::string& text, const std::string& where, std::int64_t line) const;

 private:
  double read_choice(const std::string& text, const std::string& where, std::int64_t line) const;
  std::string remark(const std::string& text) const;

  const TaskSpec& task_;
  std::vector<std::string> labels_;
  bool choices_by_name_;
};

/// Are the labels in the last column of these tables names of choices' columns? Else they are indices. Nothing is read
/// both ways, since a column may be called "1"; where some are neither, the more frequent form tells which are wrong.
bool names_choices(const TaskSpec& task, const std::vector<Table>& tables);

}  // namespace peftgrid::worker
