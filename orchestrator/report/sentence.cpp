#include "orchestrator/report/sentence.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/report/comparison_clauses.hpp"
#include "orchestrator/report/failures.hpp"
#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

using Names = std::vector<std::string>;

/// Which methods beat a prediction that no seed changes, by their own intervals above it.
std::string beats_clause(const ScoreTable& table, std::optional<Interval> ScoreCell::*above, std::size_t column,
                         const std::string& prediction, const Scale& scale) {
  Names beaten, not_shown;
  double least = INFINITY;
  for (const MethodRow& row : table.rows) {
    const auto& over = row.cells[column].*above;
    if (!over) continue;
    if (over->low > 0) {
      beaten.push_back(row.label);
      least = std::min(least, over->low);
    } else {
      not_shown.push_back(row.label);
    }
  }
  if (!not_shown.empty()) return fmt::format(" {} not shown to beat {}.", listed_with_verb(not_shown), prediction);
  if (beaten.empty()) return "";
  const std::string all = beaten.size() == 1   ? beaten.front() + " beats"
                          : beaten.size() == 2 ? "Both beat"
                                               : "All " + in_words(beaten.size()) + " beat";
  return fmt::format(" {} {}, by at least {}.", all, prediction, scale.amount(least));
}

std::string constants_clause(const ScoreTable& table, std::size_t column) {
  return beats_clause(table, &ScoreCell::over_majority, column, "the majority class", Scale()) +
         beats_clause(table, &ScoreCell::over_untrained, column, "the untrained model",
                      table.columns[column].differences);
}

/// Where no two methods share two seeds: of the trained models alone.
std::string models_text(const ScoreTable& table, std::size_t column) {
  Names measured;
  std::size_t most_seeds = 0;
  for (const MethodRow& row : table.rows) {
    if (!row.compared || !row.cells[column].worked()) continue;
    measured.push_back(row.label);
    most_seeds = std::max(most_seeds, row.cells[column].scores.size());
  }
  const auto is_hole = [&](const MethodRow& row) { return row.cells[column].state == ScoreCell::State::Hole; };
  if (measured.empty())
    return std::ranges::all_of(table.rows, is_hole) ? "nothing can be run here." : "nothing is measured yet.";
  if (measured.size() == 1) return measured.front() + " alone is measured." + constants_clause(table, column);
  if (most_seeds > 1 && table.columns[column].rows < 2)
    return "one test row tells nothing apart; nothing is compared." + constants_clause(table, column);
  if (most_seeds > 1)
    return "no two methods share two seeds on the same rows; nothing is compared." + constants_clause(table, column);
  std::string text = fmt::format("one seed compares these {} models, not the methods; another seed may turn it round.",
                                 in_words(measured.size()));
  if (const auto& two = table.columns[column].models) {
    text += fmt::format(" Of the {} test rows the {} model alone got {} right that {}'s did not, {}'s alone {}.",
                        grouped(static_cast<std::int64_t>(table.columns[column].rows)), two->one, two->only_one,
                        two->other, two->other, two->only_other);
  }
  return text;
}

/// Those of the compared family that have a score here and are compared with no other.
std::string outside_clause(const ScoreTable& table, std::size_t column) {
  Names untrained, others;
  for (const MethodRow& row : table.rows) {
    if (row.compared && row.cells[column].outside()) (row.untrained ? untrained : others).push_back(row.label);
  }
  std::string text;
  const bool baseline = std::ranges::find(untrained, table.rules.baseline) != untrained.end();
  if (!untrained.empty())
    text += fmt::format(
        " {} not compared: one trial, without seeds{}.", listed_with_verb(untrained),
        baseline ? ", to which no difference can be paired; `compare` or --baseline names another one" : "");
  if (!others.empty())
    text +=
        fmt::format(" {} not compared: no two seeds shared with another on the same rows.", listed_with_verb(others));
  return text;
}

/// The methods of a column that are compared with some other: starred, or below one.
Compared compared_in(const ScoreTable& table, std::size_t column) {
  const ScoreColumn& of = table.columns[column];
  Compared compared{{}, of.differences, of.margin};
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    if (cell.outside()) compared.all = false;
    if (!cell.verdict.known()) continue;
    const double mean = cell.summary.mean;
    compared.methods.push_back({&row, &cell.verdict, of.lower_is_better ? -mean : mean});
  }
  return compared;
}

std::string column_sentence(const ScoreTable& table, std::size_t column) {
  const ScoreColumn& of = table.columns[column];
  const bool again = std::ranges::count(table.columns, of.heading, &ScoreColumn::heading) > 1;
  const std::string where = of.heading + (of.lower_is_better || again ? ", " + of.metric + ": " : ": ");
  const Compared compared = compared_in(table, column);
  const std::string failures = failures_clause(table, column);
  const bool measured =
      std::ranges::any_of(table.rows, [&](const MethodRow& row) { return row.cells[column].worked(); });
  if (!measured && !failures.empty()) return where + "nothing can be compared." + failures;
  if (compared.methods.empty()) return where + models_text(table, column) + failures;
  const std::size_t seeds = fewest_seeds(compared);
  return where + best_clause(compared, seeds) + outside_clause(table, column) + above_clause(table, compared) +
         against_clause(table, compared) + needs_clause(table, compared) + keeps_clause(table, column, compared) +
         constants_clause(table, column) + failures;
}

std::string counts_clause(const ScoreTable& table) {
  Names clauses;
  for (const MethodRow& row : table.rows) {
    if (!row.on_average.against || (row.behind_on == 0 && row.ahead_on == 0)) continue;
    const auto on = [](std::size_t tasks) { return tasks == 0 ? std::string("none") : std::to_string(tasks); };
    clauses.push_back(fmt::format("{} is behind on {} of {} tasks, ahead on {}", row.label, on(row.behind_on),
                                  table.averaged.size(), on(row.ahead_on)));
  }
  return clauses.empty() ? "" : " By itself, " + fmt::format("{}", fmt::join(clauses, "; ")) + ".";
}

std::string elsewhere_clause(const ScoreTable& table) {
  Names clauses;
  for (const MethodRow& row : table.rows) {
    if (!row.elsewhere) continue;
    clauses.push_back(fmt::format("{} {} to {}", row.label, Scale().signed_number(row.elsewhere->low),
                                  Scale().signed_number(row.elsewhere->high)));
  }
  if (clauses.empty()) return " Nothing is said of other tasks.";
  return fmt::format(" For tasks like these, against {}: {}.", table.rules.baseline, fmt::join(clauses, "; "));
}

std::string average_sentence(const ScoreTable& table) {
  Compared compared{{}, Scale(), table.rules.margin};
  Names outside;
  for (const MethodRow& row : table.rows) {
    if (row.on_average.known()) {
      compared.methods.push_back({&row, &row.on_average, row.average.value_or(0)});
    } else if (row.average) {
      compared.all = false;
      if (row.compared && !row.untrained) outside.push_back(row.label);
    }
  }
  if (compared.methods.empty()) return "";
  Names headings;
  for (const std::size_t i : table.averaged) headings.push_back(table.columns[i].heading);
  return fmt::format("On average over these {} tasks ({}): ", in_words(headings.size()), listed(headings)) +
         best_clause(compared, fewest_seeds(compared)) +
         (outside.empty() ? ""
                          : fmt::format(" {} not compared: no two seeds shared with another on each of them.",
                                        listed_with_verb(outside))) +
         above_clause(table, compared) + against_clause(table, compared) + counts_clause(table) +
         elsewhere_clause(table);
}

}  // namespace

std::vector<std::string> sentences_of(const ScoreTable& table) {
  if (table.chosen_on_reported) {
    return {
        "The best step of each trial was chosen on the rows that are reported, as the protocol has it: the scores "
        "are too good, each method's by its own measure, and none is called better than another."};
  }
  std::vector<std::string> sentences;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].main) sentences.push_back(column_sentence(table, i));
  }
  const std::string average = table.averaged.empty() ? "" : average_sentence(table);
  if (!average.empty()) sentences.push_back(average);
  return sentences;
}

}  // namespace peftgrid::orchestrator
