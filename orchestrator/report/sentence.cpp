#include "orchestrator/report/sentence.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "orchestrator/report/failures.hpp"
#include "orchestrator/report/format.hpp"
#include "orchestrator/report/kept.hpp"

namespace peftgrid::orchestrator {
namespace {

using Names = std::vector<std::string>;

constexpr std::array kAskedMargins = {0.05, 0.02, 0.01};
constexpr std::size_t kMostNames = 8;  // that a sentence lists
constexpr std::size_t kFewSeeds = 3;   // from so few a number of seeds is rough

/// A method and what is said of it.
struct Said {
  const MethodRow* row = nullptr;
  const Verdict* verdict = nullptr;
  double mean = 0;
};

Names names_of(const std::vector<Said>& all) {
  Names names;
  for (const Said& one : all) names.push_back(one.row->label);
  return names;
}

std::string either(const Names& names) {
  std::string text = listed(names);
  const std::size_t at = text.rfind(" and ");
  return at == std::string::npos || names.size() < 2 ? text : text.replace(at, 5, " or ");
}

/// "lora and bitfit are"; of many only how many.
std::string listed_with_verb(const Names& names) {
  if (names.size() > kMostNames) return in_words(names.size()) + " others are";
  return listed(names) + (names.size() == 1 ? " is" : " are");
}

/// Points to one place.
std::string by_points(double difference) {
  return fmt::format("{:.1f}", 100 * difference);
}

/// Which methods may be the best.
std::string best_clause(const std::vector<Said>& compared, std::size_t seeds) {
  std::vector<Said> starred, others;
  for (const Said& one : compared) (one.verdict->starred ? starred : others).push_back(one);
  const std::string with = fmt::format("{} seeds", in_words(seeds));
  if (others.empty())
    return fmt::format("{} cannot tell these {} methods apart; any may be the best.", with, in_words(compared.size()));
  if (2 * starred.size() > compared.size())
    return fmt::format("with 95 % confidence the best method is not {}.", either(names_of(others)));
  return fmt::format("with 95 % confidence the best method is {}.", either(names_of(starred)));
}

/// The unstarred ones that are not behind the baseline: who is above them. In words that claim no more than the star.
std::string above_clause(const ScoreTable& table, const std::vector<Said>& compared) {
  std::vector<std::pair<std::vector<std::size_t>, Names>> groups;  // who is above, whom
  for (const Said& one : compared) {
    const auto& against = one.verdict->against;
    if (one.verdict->above.empty() || (against && against->joint.high < 0)) continue;
    auto group = std::ranges::find(groups, one.verdict->above, &decltype(groups)::value_type::first);
    if (group == groups.end()) group = groups.insert(group, {one.verdict->above, {}});
    group->second.push_back(one.row->label);
  }
  std::string text;
  for (const auto& [rows, losers] : groups) {
    Names above;
    for (const std::size_t row : rows) above.push_back(table.rows[row].label);
    text += fmt::format(" {} lost {} to {}.", listed(losers), losers.size() == 1 ? "its star" : "their stars",
                        above.size() > kMostNames ? in_words(above.size()) + " others" : listed(above));
  }
  return text;
}

std::string told_apart(const Said& one, double margin) {
  const Against& against = *one.verdict->against;
  const std::string& name = one.row->label;
  switch (against.word) {
    case Word::Ahead:
      return fmt::format("{} is ahead by at least {} points", name, by_points(against.joint.low));
    case Word::BehindWithin:
      return fmt::format("{} is behind, but by less than {}", name, margin_text(margin));
    case Word::Behind:
      return fmt::format("{} is behind by at least {} points", name, by_points(-against.joint.high));
    case Word::AsGood:
      return fmt::format("{} is as good to within {}", name, margin_text(margin));
    case Word::NotWorse:
      return fmt::format("{} is not worse by {} or more", name, margin_text(margin));
    case Word::NotToldApart:
      break;
  }
  return "";
}

/// Of several methods with one word: "ahead by at least so many points are lora (0.4) and dora (0.5)".
std::string together(const std::vector<Said>& all, double margin) {
  const Word word = all.front().verdict->against->word;
  Names names;
  for (const Said& one : all) {
    const Interval& joint = one.verdict->against->joint;
    const bool counted = word == Word::Ahead || word == Word::Behind;
    names.push_back(one.row->label +
                    (counted ? fmt::format(" ({})", by_points(word == Word::Ahead ? joint.low : -joint.high)) : ""));
  }
  const auto that = [&]() -> std::string {
    switch (word) {
      case Word::Ahead:
        return "ahead by at least so many points";
      case Word::BehindWithin:
        return "behind, but by less than " + margin_text(margin) + ",";
      case Word::Behind:
        return "behind by at least so many points";
      case Word::AsGood:
        return "as good to within " + margin_text(margin);
      default:
        return "not worse by " + margin_text(margin) + " or more";
    }
  };
  return that() + " are " + listed(names);
}

/// "at most 13.3 points behind, 2.9 ahead", the widest of them.
std::string both_ends(const std::vector<Said>& all) {
  double low = 0, high = 0;
  for (const Said& one : all) {
    low = std::min(low, one.verdict->against->joint.low);
    high = std::max(high, one.verdict->against->joint.high);
  }
  return fmt::format("at most {} points behind, {} ahead", by_points(-low), by_points(high));
}

std::string against_clause(const ScoreTable& table, const std::vector<Said>& compared) {
  Names clauses;
  std::map<Word, std::vector<Said>> by_word;
  for (const Said& one : compared) {
    if (one.verdict->against) by_word[one.verdict->against->word].push_back(one);
  }
  const std::vector<Said>& open = by_word[Word::NotToldApart];
  const bool many = compared.size() > kMostNames;
  for (const Said& one : compared) {
    if (!one.verdict->against || !one.verdict->against->told_apart()) continue;
    const std::vector<Said>& alike = by_word[one.verdict->against->word];
    if (!many || alike.size() == 1) {
      clauses.push_back(told_apart(one, table.rules.margin));
    } else if (alike.front().row == one.row) {
      clauses.push_back(together(alike, table.rules.margin));
    }
  }
  std::string text;
  if (!clauses.empty())
    text = fmt::format(" Against {}, {}", table.rules.baseline,
                       many ? fmt::format("{}", fmt::join(clauses, "; ")) : listed(clauses));
  if (open.empty()) return clauses.empty() ? "" : text + ".";
  const std::string from = clauses.empty() ? table.rules.baseline : "it";
  text += clauses.empty() ? " " : "; ";
  return text + fmt::format("{} not told apart from {} ({}).", listed_with_verb(names_of(open)), from, both_ends(open));
}

std::string seeds_needed(const Needs& needed) {
  if (needed.seeds == 0) return fmt::format("more than {} seeds", grouped(kMostSeeds));
  const double scale = needed.seeds < 100 ? 1 : 10;
  const auto seeds = static_cast<std::int64_t>(std::lround(static_cast<double>(needed.seeds) / scale) * scale);
  return fmt::format("about {} seeds", grouped(seeds));
}

/// What it would take to tell the best of the open methods from the baseline.
std::string needs_clause(const ScoreTable& table, const std::vector<Said>& compared) {
  const Said* best = nullptr;
  for (const Said& one : compared) {
    if (!one.verdict->against || one.verdict->against->told_apart()) continue;
    if (best == nullptr || one.mean > best->mean) best = &one;
  }
  if (best == nullptr) return "";
  const Comparison& comparison = best->verdict->against->comparison;
  std::string text;
  for (const double margin : kAskedMargins) {
    if (margin >= sees(comparison)) continue;
    const Needs needed = needs(comparison, margin);
    std::string amount = seeds_needed(needed);
    if (needed.rows > comparison.rows) {
      amount += fmt::format(" and {} test rows", grouped(static_cast<std::int64_t>(needed.rows)));
    } else if (text.empty()) {
      amount += fmt::format(" ({} test rows are enough)", grouped(static_cast<std::int64_t>(comparison.rows)));
    }
    text += text.empty() ? fmt::format(" To tell {} from {}, were they {} apart, you would need {}", best->row->label,
                                       table.rules.baseline, margin_text(margin), amount)
                         : fmt::format("; {}, {}", margin_text(margin), amount);
  }
  if (text.empty()) return "";
  return text + (comparison.seeds <= kFewSeeds ? fmt::format(" (rough, from {} seeds).", comparison.seeds) : ".");
}

/// Which methods beat the constant prediction, by their own intervals.
std::string majority_clause(const ScoreTable& table, std::size_t column) {
  Names beaten, not_shown;
  double least = 1;
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    if (!cell.over_majority) continue;
    if (cell.over_majority->low > 0) {
      beaten.push_back(row.label);
      least = std::min(least, cell.over_majority->low);
    } else {
      not_shown.push_back(row.label);
    }
  }
  if (!not_shown.empty()) return fmt::format(" {} not shown to beat the majority class.", listed_with_verb(not_shown));
  if (beaten.empty()) return "";
  const std::string all = beaten.size() == 1 ? beaten.front() + " beats" : "All " + in_words(beaten.size()) + " beat";
  return fmt::format(" {} the majority class, by at least {} points.", all, by_points(least));
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
  if (measured.empty()) return "nothing is measured yet.";
  if (measured.size() == 1) return measured.front() + " alone is measured." + majority_clause(table, column);
  if (most_seeds > 1) return "no two methods share two seeds; none is compared." + majority_clause(table, column);
  std::string text = fmt::format("one seed compares these {} models, not the methods; another seed may turn it round.",
                                 in_words(measured.size()));
  if (const auto& two = table.columns[column].models) {
    text += fmt::format(" Of the {} test rows the {} model alone got {} right that {}'s did not, {}'s alone {}.",
                        grouped(static_cast<std::int64_t>(table.columns[column].rows)), two->one, two->only_one,
                        two->other, two->other, two->only_other);
  }
  return text;
}

double baseline_mean(const ScoreTable& table, std::size_t column) {
  return std::ranges::find(table.rows, table.rules.baseline, &MethodRow::label)->cells[column].summary.mean;
}

/// What the best other method keeps of the baseline's score and of its gain over the majority class: the share of a
/// score alone flatters.
std::string keeps_clause(const ScoreTable& table, std::size_t column, const std::vector<Said>& compared) {
  const Said* best = nullptr;
  for (const Said& one : compared) {
    if (one.verdict->against && (best == nullptr || one.mean > best->mean)) best = &one;
  }
  if (best == nullptr) return "";
  const ScoreCell& cell = best->row->cells[column];
  const auto kept = share_kept(table, column, cell), gain = gain_kept(table, column, cell);
  if (!kept || !gain) return "";
  const auto percent = [&](double difference) {
    return 100 * (*kept + (difference - best->verdict->against->comparison.difference) / baseline_mean(table, column));
  };
  const Interval& joint = best->verdict->against->joint;
  return fmt::format(
      " {} keeps {:.0f} % of {}'s score ({:.0f} to {:.0f} %), {:.0f} % of its gain over the majority class.",
      best->row->label, 100 * *kept, table.rules.baseline, percent(joint.low), percent(joint.high), 100 * *gain);
}

std::size_t fewest_seeds(const std::vector<Said>& compared) {
  std::size_t fewest = 0;
  for (const Said& one : compared) {
    if (!one.verdict->against) continue;
    const std::size_t seeds = one.verdict->against->comparison.seeds;
    fewest = fewest == 0 ? seeds : std::min(fewest, seeds);
  }
  return fewest;
}

/// The methods of a column that are compared with some other: starred, or below one.
std::vector<Said> compared_in(const ScoreTable& table, std::size_t column) {
  std::vector<Said> compared;
  for (const MethodRow& row : table.rows) {
    const Verdict& verdict = row.cells[column].verdict;
    if (verdict.starred || !verdict.above.empty()) compared.push_back({&row, &verdict, row.cells[column].summary.mean});
  }
  return compared;
}

std::string column_sentence(const ScoreTable& table, std::size_t column) {
  const std::string where = table.columns[column].heading + ": ";
  const std::vector<Said> compared = compared_in(table, column);
  const std::string failures = failures_clause(table, column);
  const bool measured =
      std::ranges::any_of(table.rows, [&](const MethodRow& row) { return row.cells[column].worked(); });
  if (!measured && !failures.empty()) return where + "nothing can be compared." + failures;
  if (compared.empty()) return where + models_text(table, column) + failures;
  const std::size_t seeds = fewest_seeds(compared);
  return where + best_clause(compared, seeds) + above_clause(table, compared) + against_clause(table, compared) +
         needs_clause(table, compared) + keeps_clause(table, column, compared) + majority_clause(table, column) +
         failures;
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
    clauses.push_back(fmt::format("{} {} to {}", row.label, signed_hundredfold(row.elsewhere->low),
                                  signed_hundredfold(row.elsewhere->high)));
  }
  if (clauses.empty()) return " Nothing is said of other tasks.";
  return fmt::format(" For tasks like these, against {}: {}.", table.rules.baseline, fmt::join(clauses, "; "));
}

std::string average_sentence(const ScoreTable& table) {
  std::vector<Said> compared;
  for (const MethodRow& row : table.rows) {
    if (row.on_average.starred || !row.on_average.above.empty())
      compared.push_back({&row, &row.on_average, row.average.value_or(0)});
  }
  if (compared.empty()) return "";
  Names headings;
  for (const std::size_t i : table.averaged) headings.push_back(table.columns[i].heading);
  return fmt::format("On average over these {} tasks ({}): ", in_words(headings.size()), listed(headings)) +
         best_clause(compared, fewest_seeds(compared)) + above_clause(table, compared) +
         against_clause(table, compared) + counts_clause(table) + elsewhere_clause(table);
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
