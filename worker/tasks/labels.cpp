#include "worker/tasks/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace

std::vector<std::string> labels_of(const Table& train, std::size_t column, const std::string& where) {
  std::set<std::string> found;
  for (std::size_t i = 0; i < train.rows.size(); ++i) {
    const std::string& label = train.rows[i][column];
    if (label.empty()) throw UsageError(fmt::format("{}:{}: the label is empty", where, train.lines[i]));
    found.insert(label);
    if (found.size() > kMostLabels) {
      throw UsageError(fmt::format("{}: more than {} different labels; for numbers to predict, say `kind: regression`",
                                   where, kMostLabels));
    }
  }
  if (found.size() < 2) {
    throw UsageError(
        fmt::format("{}: every row has the label {}; there must be at least two", where, in_quotes(*found.begin())));
  }
  std::vector<std::string> labels(found.begin(), found.end());
  if (std::ranges::all_of(labels, [](const std::string& label) { return parse_number(label).has_value(); })) {
    std::ranges::stable_sort(labels, {}, [](const std::string& label) { return *parse_number(label); });
  }
  return labels;
}

double LabelReader::read(const std::string& text, const std::string& where, std::int64_t line) const {
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
  const std::string near = nearest_name(text, labels_);
  throw UsageError(fmt::format("{}:{}: the label {} is not in the label set: {}{}", where, line, in_quotes(text),
                               shown(labels_), near.empty() ? "" : "; did you mean " + in_quotes(near) + "?"));
}

}  // namespace peftgrid::worker
