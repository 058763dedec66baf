#include "orchestrator/report/legend.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

bool any_starred(const ScoreTable& table) {
  return std::ranges::any_of(table.rows, [](const MethodRow& row) {
    return row.on_average.starred ||
           std::ranges::any_of(row.cells, [](const ScoreCell& cell) { return cell.verdict.starred; });
  });
}

bool any_compared(const ScoreTable& table) {
  return std::ranges::any_of(table.columns, [](const ScoreColumn& column) { return column.sight.has_value(); });
}

std::string seeds_of(const ScoreTable& table, std::size_t column) {
  std::size_t least = 0, most = 0;
  for (const MethodRow& row : table.rows) {
    const std::size_t n = row.cells[column].scores.size();
    if (n == 0) continue;
    least = least == 0 ? n : std::min(least, n);
    most = std::max(most, n);
  }
  if (most == 0) return "no seed that worked";
  if (least < most) return fmt::format("{} to {} seeds", least, most);
  return fmt::format("{} seed{}", most, most == 1 ? "" : "s");
}

std::string sight_text(const Sight& sight, const Scale& scale) {
  std::string text =
      fmt::format("; this sees differences of {}{}", scale.about(sight.sees), scale.in_points() ? " points" : "");
  for (std::size_t i = 0; i < sight.with_seeds.size(); ++i) {
    const auto& [seeds, sees] = sight.with_seeds[i];
    text += i == 0 ? fmt::format("; {} seeds would see {}", seeds, scale.about(sees))
                   : fmt::format(", {} seeds {}", seeds, scale.about(sees));
  }
  return text;
}

std::string design_line(const ScoreTable& table, std::size_t index) {
  const ScoreColumn& column = table.columns[index];
  const bool again = std::ranges::count(table.columns, column.heading, &ScoreColumn::heading) > 1;
  std::string text = table.columns.size() == 1 ? "" : column.heading + (again ? ", " + column.metric : "") + ": ";
  text += fmt::format("{}, {} test row{}", seeds_of(table, index), grouped(static_cast<std::int64_t>(column.rows)),
                      column.rows == 1 ? "" : "s");
  if (column.one_row) text += fmt::format(" (one row: {:.2g})", column.scale.shown(*column.one_row));
  if (column.lower_is_better) text += "; of " + column.metric + " lower is better";
  if (column.in_logs) text += ", and differences are in nats a token";
  if (column.sight) text += sight_text(*column.sight, column.differences);
  return text + ".";
}

/// "1 point"; where a column has one of its own, "1 point (prices: 0.05)"; of errors alone the tasks' own, or nothing.
std::string margins_of(const ScoreTable& table) {
  std::vector<std::string> own;
  for (const ScoreColumn& column : table.columns) {
    if (column.margin > 0 && (!column.scale.in_points() || column.margin != table.rules.margin)) {
      own.push_back(fmt::format("{}: {}", column.heading, column.differences.margin(column.margin)));
    }
  }
  const bool points = std::ranges::any_of(table.columns, [](const auto& column) { return column.scale.in_points(); });
  if (points) return Scale().margin(table.rules.margin) + (own.empty() ? "" : " (" + listed(own) + ")");
  return own.empty() ? "" : "the task's margin (" + listed(own) + ")";
}

/// Errors of which nobody has said below what a difference does not matter.
std::vector<std::string> without_margin(const ScoreTable& table) {
  std::vector<std::string> headings;
  for (const ScoreColumn& column : table.columns) {
    if (column.margin == 0) headings.push_back(column.heading);
  }
  return headings;
}

void explain_comparisons(const ScoreTable& table, std::vector<std::string>& lines) {
  const std::string& baseline = table.rules.baseline;
  lines.push_back(fmt::format(
      "Against {}: the difference of the two methods on the same rows with the same seeds; other seeds and other test "
      "rows would put it in this range; all ranges of the column hold together with 95 % confidence. Bold: the range "
      "says something, in the words of the sentence.",
      baseline));
  lines.push_back(
      fmt::format("How much seeds move a difference to {} is taken from all methods' differences to {}, or "
                  "from the method's own where that is larger or eight seeds know it. Seeds are never taken "
                  "to agree better than the rows on which they disagree allow. Two imagined test rows, one "
                  "for either side, keep a handful of rows from proving anything.",
                  baseline, baseline));
  const std::string margins = margins_of(table);
  std::string good = margins.empty()
                         ? ""
                         : fmt::format(
                               "A method is called as good as {} when even the bad end of its range is less than "
                               "{} away. ",
                               baseline, margins);
  if (const auto without = without_margin(table); !without.empty())
    good += fmt::format(
        "Nothing is called as good on {}: only the task's `margin` could say which difference does not "
        "matter there. ",
        listed(without));
  lines.push_back(good +
                  "A difference is seen when this many seeds and rows would find it four times in five. Other learning "
                  "rates and other tasks are not covered.");
  if (table.rules.chosen_afterwards)
    lines.push_back(
        fmt::format("That {} is the baseline was said when the results were there, not in the grid.", baseline));
  if (!table.rules.family.empty())
    lines.push_back("The grid's `compare` says which methods are compared; of the others only scores are given.");
}

std::string scores_line(const ScoreTable& table) {
  std::vector<std::string> errors;
  for (const ScoreColumn& column : table.columns) {
    if (column.lower_is_better && std::ranges::find(errors, column.metric) == errors.end())
      errors.push_back(column.metric);
  }
  std::string text = "Scores are means over the seeds that worked, × 100";
  if (!errors.empty()) text += fmt::format(" ({} as they are)", listed(errors));
  text += ", with their standard deviation over seeds.";
  if (const auto in_logs = std::ranges::find(table.columns, true, &ScoreColumn::in_logs);
      in_logs != table.columns.end())
    text += fmt::format(" Means of {} are geometric, since its logarithm is what is compared.", in_logs->metric);
  if (!errors.empty())
    text +=
        fmt::format(" Of {} lower is better; differences have + where a method is better, and no average takes them.",
                    listed(errors));
  return text;
}

}  // namespace

std::vector<std::string> design_lines(const ScoreTable& table) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].rows > 0) lines.push_back(design_line(table, i));
  }
  return lines;
}

std::string star_line(const ScoreTable& table) {
  if (!any_starred(table)) return "";
  const bool all = std::ranges::none_of(
      table.rows, [](const MethodRow& row) { return std::ranges::any_of(row.cells, &ScoreCell::outside); });
  return fmt::format("* with 95 % confidence the best {} is one of these", all ? "method" : "of the compared methods");
}

std::vector<std::string> legend(const ScoreTable& table) {
  std::vector<std::string> lines = {scores_line(table)};
  if (any_starred(table))
    lines.front() += " Star: with 95 % confidence the best method of the column is one of the starred.";
  if (any_compared(table)) explain_comparisons(table, lines);
  std::vector<std::string> dev;
  for (const ScoreColumn& column : table.columns) {
    if (column.test_is_dev) dev.push_back(column.heading);
  }
  if (!dev.empty())
    lines.push_back(listed(dev) + ": test is the official dev set, since the test labels of GLUE are secret.");
  return lines;
}

}  // namespace peftgrid::orchestrator
