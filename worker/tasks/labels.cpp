#include "worker/tasks/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::size_t kMostLabels = 1000;
constexpr std::size_t kShownLabels = 12;

std::string shown(const std::vector<std::string>& labels) {
  std::vector<std::string> names(labels.begin(),
                                 labels.begin() + static_cast<long>(std::min(labels.size(), kShownLabels)));
  for (std::string& name : names) name = in_quotes(name);
  if (labels.size() > kShownLabels) names.push_back(fmt::format("{} more", labels.size() - kShownLabels));
  return joined(names);
}

/// One that a double tells from its neighbours; of larger ones the digits are the label.
bool is_json_number(const std::string& text) {
  const bool number = nlohmann::json::accept(text) && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  return number && std::abs(*parse_number(text)) < 0x1p53;
}

bool is_fraction(const std::string& label) {
  const auto value = parse_number(label);
  return value && std::floor(*value) != *value;
}

bool all_numbers(const std::vector<std::string>& labels) {
  return std::ranges::all_of(labels, [](const std::string& label) { return parse_number(label).has_value(); });
}

/// Would they be values rather than classes?
bool look_like_values(const std::vector<std::string>& labels) {
  return all_numbers(labels) && std::ranges::any_of(labels, is_fraction);
}

/// Of numbers that JSON holds to be one, the shortest form.
std::set<std::string> one_form_each(const std::set<std::string>& found) {
  std::map<double, std::string> numbers;
  std::set<std::string> labels;
  for (const std::string& label : found) {
    if (!is_json_number(label)) {
      labels.insert(label);
      continue;
    }
    const auto [before, fresh] = numbers.emplace(*parse_number(label), label);
    if (!fresh && label.size() < before->second.size()) before->second = label;
  }
  for (const auto& [value, label] : numbers) labels.insert(label);
  return labels;
}

/// The same for labels that differ only in case, blanks or form of number.
std::string loosely(const std::string& label) {
  std::string out;
  for (const char c : label) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!blank) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const auto value = parse_number(out);
  return value ? fmt::format("{}", *value) : out;
}

std::string with_rows(const std::string& label, std::int64_t rows) {
  return fmt::format("{} ({} row{})", in_quotes(label), rows, rows == 1 ? "" : "s");
}

}  // namespace

std::vector<std::string> notes_on_labels(const std::vector<std::string>& labels, const std::vector<std::int64_t>& rows,
                                         const std::string& where) {
  static const std::set<std::string> kNone = {"-", "?", "nan", "null", "none", "n/a", "na"};
  std::map<std::string, std::vector<std::string>> alike;
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string key = loosely(labels[i]);
    alike[key].push_back(with_rows(labels[i], rows[i]));
    if (!kNone.contains(key)) continue;
    notes.push_back(
        fmt::format("{}: the label {} is a class here, and elsewhere often stands for none; leave those rows "
                    "out if it does",
                    where, with_rows(labels[i], rows[i])));
  }
  for (const auto& [key, same] : alike) {
    if (same.size() < 2) continue;
    notes.push_back(fmt::format(
        "{}: the labels {} differ only in case, blanks or form of number, and are {} classes; write them alike if they "
        "are one",
        where, joined(same), same.size()));
  }
  if (look_like_values(labels)) {
    notes.push_back(
        fmt::format("{}: the {} labels are numbers, and not all whole; for numbers to predict, say `kind: regression`",
                    where, labels.size()));
  }
  return notes;
}

namespace {

std::optional<double> index_of_choice(const TaskSpec& task, const std::string& text) {
  const auto index = parse_number(text);
  if (!index || *index < 0 || *index >= static_cast<double>(task.choices.size()) || *index != std::floor(*index))
    return std::nullopt;
  return index;
}

std::optional<double> named_choice(const TaskSpec& task, const std::string& text) {
  const auto named = std::ranges::find(task.choices, text, &Column::name);
  if (text.empty() || named == task.choices.end()) return std::nullopt;
  return static_cast<double>(named - task.choices.begin());
}

}  // namespace

std::vector<std::string> labels_of(const Table& train, std::size_t column, const std::string& where, bool json) {
  std::set<std::string> found;
  for (std::size_t i = 0; i < train.rows.size(); ++i) {
    const std::string& label = train.rows[i][column];
    if (label.empty()) throw UsageError(fmt::format("{}:{}: the label is empty", where, train.lines[i]));
    found.insert(label);
    if (found.size() > kMostLabels) {
      const bool numbers = all_numbers({found.begin(), found.end()});
      throw UsageError(fmt::format(
          "{}: more than {} different labels; {}", where, kMostLabels,
          numbers ? "for numbers to predict, say `kind: regression`" : "is this the column of the classes?"));
    }
  }
  if (json) found = one_form_each(found);
  if (found.size() < 2) {
    throw UsageError(
        fmt::format("{}: every row has the label {}; there must be at least two", where, in_quotes(*found.begin())));
  }
  std::vector<std::string> labels(found.begin(), found.end());
  if (all_numbers(labels)) {
    std::ranges::stable_sort(labels, {}, [](const std::string& label) { return *parse_number(label); });
  }
  return labels;
}

bool names_choices(const TaskSpec& task, const std::vector<Table>& tables) {
  std::size_t names = 0, indices = 0;
  for (const Table& table : tables) {
    for (const std::vector<std::string>& row : table.rows) {
      names += named_choice(task, row.back()) ? 1 : 0;
      indices += index_of_choice(task, row.back()) ? 1 : 0;
    }
  }
  return names > 0 && names >= indices;
}

double LabelReader::read_choice(const std::string& text, const std::string& where, std::int64_t line) const {
  if (const auto choice = choices_by_name_ ? named_choice(task_, text) : index_of_choice(task_, text)) return *choice;
  throw UsageError(
      fmt::format("{}:{}: the label {} names no choice; in all rows the name of a choice's column, or in all its index "
                  "from 0 to {}, would be right",
                  where, line, in_quotes(text), task_.choices.size() - 1));
}

double LabelReader::read(const std::string& text, const std::string& where, std::int64_t line) const {
  if (task_.kind == kChoice) return read_choice(text, where, line);
  if (!has_classes(task_)) {
    if (const auto value = parse_number(text)) return *value;
    throw UsageError(
        fmt::format("{}:{}: the label {} is not a number; this task is a regression", where, line, in_quotes(text)));
  }
  const auto found = std::ranges::find(labels_, text);
  if (found != labels_.end()) return static_cast<double>(found - labels_.begin());
  // GLUE writes some of its labels as numbers, some by name; a user's own file is never guessed at.
  if (task_.test_is_dev && text.size() == 1 && text[0] >= '0' && text[0] < static_cast<char>('0' + labels_.size())) {
    return text[0] - '0';
  }
  if (task_.format == "jsonl" && is_json_number(text)) {
    const auto same = std::ranges::find_if(labels_, [&](const std::string& label) {
      return is_json_number(label) && parse_number(label) == parse_number(text);
    });
    if (same != labels_.end()) return static_cast<double>(same - labels_.begin());
  }
  if (text.empty()) throw UsageError(fmt::format("{}:{}: the label is empty", where, line));
  throw UsageError(fmt::format("{}:{}: the label {} is not in the label set: {}{}", where, line, in_quotes(text),
                               shown(labels_), remark(text)));
}

std::string LabelReader::remark(const std::string& text) const {
  if (text == "?" || parse_number(text) == -1.0 || parse_number(text) == -100.0)
    return "; " + text + " often stands for labels that are kept secret: such rows can neither train nor test";
  std::vector<std::string> all = labels_;
  all.push_back(text);
  if (look_like_values(all)) return "; for numbers to predict, say `kind: regression`";
  for (const std::string& label : labels_) {
    if (loosely(label) == loosely(text))
      return (task_.labels.empty() ? "; the training file writes " : "; the grid's `labels` write ") +
             in_quotes(label) + ": write them alike";
  }
  const std::string near = nearest_name(text, labels_);
  return near.empty() ? "" : "; did you mean " + in_quotes(near) + "?";
}

}  // namespace peftgrid::worker
