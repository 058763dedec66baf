#include "orchestrator/report/comparison_clauses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/kept.hpp"

namespace peftgrid::orchestrator {
namespace {

using Names = std::vector<std::string>;

constexpr std::array kAskedPoints = {0.05, 0.02, 0.01};
constexpr std::size_t kMostNames = 8;  // that a sentence lists
constexpr std::size_t kFewSeeds = 3;   // from so few a number of seeds is rough

Names names_of(const std::vector<Said>& all) {
  Names names;
  for (const Said& one : all) names.push_back(one.row->label);
  return names;
}

/// What a method is; `amount`: "0.4 points", where the word counts them; `margin`: "1 point".
std::string phrase_of(Word word, const std::string& amount, const std::string& margin) {
  switch (word) {
    case Word::Ahead:
      return fmt::format("ahead by at least {}", amount);
    case Word::BehindWithin:
      return fmt::format("behind, but by less than {}", margin);
    case Word::Behind:
      return fmt::format("behind by at least {}", amount);
    case Word::AsGood:
      return fmt::format("as good to within {}", margin);
    case Word::NotWorse:
      return fmt::format("not worse by {} or more", margin);
    case Word::NotToldApart:
      break;
  }
  return "";
}

/// By how much a method is ahead or behind at least; nothing for words that do not say.
std::optional<double> least_of(const Against& against) {
  if (against.word == Word::Ahead) return against.joint.low;
  return against.word == Word::Behind ? std::optional(-against.joint.high) : std::nullopt;
}

std::string told_apart(const Said& one, const Scale& scale, double margin) {
  const Against& against = *one.verdict->against;
  const auto least = least_of(against);
  return fmt::format("{} is {}", one.row->label,
                     phrase_of(against.word, least ? scale.amount(*least) : "", scale.margin(margin)));
}

/// Of several methods with one word: "ahead by at least so many points are lora (0.4) and dora (0.5)".
std::string together(const std::vector<Said>& all, const Scale& scale, double margin) {
  const Word word = all.front().verdict->against->word;
  Names names;
  for (const Said& one : all) {
    const auto least = least_of(*one.verdict->against);
    names.push_back(one.row->label + (least ? " (" + scale.number(*least) + ")" : ""));
  }
  return fmt::format("{}{} are {}",
                     phrase_of(word, scale.in_points() ? "so many points" : "so much", scale.margin(margin)),
                     word == Word::BehindWithin ? "," : "", listed(names));
}

/// "at most 13.3 points behind, 2.9 ahead", the widest of them.
std::string both_ends(const std::vector<Said>& all, const Scale& scale) {
  double low = 0, high = 0;
  for (const Said& one : all) {
    low = std::min(low, one.verdict->against->joint.low);
    high = std::max(high, one.verdict->against->joint.high);
  }
  return fmt::format("at most {} behind, {} ahead", scale.amount(-low), scale.number(high));
}

std::string seeds_needed(const Needs& needed) {
  if (needed.seeds == 0) return fmt::format("more than {} seeds", grouped(kMostSeeds));
  const double scale = needed.seeds < 100 ? 1 : 10;
  const auto seeds = static_cast<std::int64_t>(std::lround(static_cast<double>(needed.seeds) / scale) * scale);
  return fmt::format("about {} seeds", grouped(seeds));
}

/// Differences of which it is said what would find them. Of errors only the one that the task says matters.
std::vector<double> asked_margins(const Compared& compared) {
  if (compared.scale.in_points()) return {kAskedPoints.begin(), kAskedPoints.end()};
  return compared.margin > 0 ? std::vector{compared.margin} : std::vector<double>();
}

double baseline_mean(const ScoreTable& table, std::size_t column) {
  return std::ranges::find(table.rows, table.rules.baseline, &MethodRow::label)->cells[column].summary.mean;
}

}  // namespace

std::string listed_with_verb(const Names& names) {
  if (names.size() > kMostNames) return in_words(names.size()) + " others are";
  return listed(names) + (names.size() == 1 ? " is" : " are");
}

std::string best_clause(const Compared& compared, std::size_t seeds) {
  std::vector<Said> starred, others;
  for (const Said& one : compared.methods) (one.verdict->starred ? starred : others).push_back(one);
  if (others.empty())
    return fmt::format("{} seeds cannot tell these {} methods apart; any may be the best{}.",
                       seeds == 0 ? "these" : in_words(seeds), in_words(compared.methods.size()),
                       compared.all ? "" : " of them");
  const std::string best = compared.all ? "the best method" : "the best of the compared methods";
  if (2 * starred.size() > compared.methods.size())
    return fmt::format("with 95 % confidence {} is not {}.", best, listed(names_of(others), "or"));
  return fmt::format("with 95 % confidence {} is {}.", best, listed(names_of(starred), "or"));
}

std::string above_clause(const ScoreTable& table, const Compared& compared) {
  std::vector<std::pair<std::vector<std::size_t>, Names>> groups;  // who is above, whom
  for (const Said& one : compared.methods) {
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

std::string against_clause(const ScoreTable& table, const Compared& compared) {
  Names clauses;
  std::map<Word, std::vector<Said>> by_word;
  for (const Said& one : compared.methods) {
    if (one.verdict->against) by_word[one.verdict->against->word].push_back(one);
  }
  const std::vector<Said>& open = by_word[Word::NotToldApart];
  const bool many = compared.methods.size() > kMostNames;
  for (const Said& one : compared.methods) {
    if (!one.verdict->against || !one.verdict->against->told_apart()) continue;
    const std::vector<Said>& alike = by_word[one.verdict->against->word];
    if (!many || alike.size() == 1) {
      clauses.push_back(told_apart(one, compared.scale, compared.margin));
    } else if (alike.front().row == one.row) {
      clauses.push_back(together(alike, compared.scale, compared.margin));
    }
  }
  std::string text;
  if (!clauses.empty())
    text = fmt::format(" Against {}, {}", table.rules.baseline,
                       many ? fmt::format("{}", fmt::join(clauses, "; ")) : listed(clauses));
  if (open.empty()) return clauses.empty() ? "" : text + ".";
  const std::string from = clauses.empty() ? table.rules.baseline : "it";
  text += clauses.empty() ? " " : "; ";
  return text + fmt::format("{} not told apart from {} ({}).", listed_with_verb(names_of(open)), from,
                            both_ends(open, compared.scale));
}

std::string needs_clause(const ScoreTable& table, const Compared& compared) {
  const Said* best = nullptr;
  for (const Said& one : compared.methods) {
    if (!one.verdict->against || one.verdict->against->told_apart()) continue;
    if (best == nullptr || one.height > best->height) best = &one;
  }
  if (best == nullptr) return "";
  const Comparison& comparison = best->verdict->against->comparison;
  std::string text;
  for (const double margin : asked_margins(compared)) {
    if (margin >= sees(comparison)) continue;
    const Needs needed = needs(comparison, margin);
    std::string amount = seeds_needed(needed);
    if (needed.rows > comparison.rows) {
      amount += fmt::format(" and {} test rows", grouped(static_cast<std::int64_t>(needed.rows)));
    } else if (text.empty()) {
      amount += fmt::format(" ({} test rows are enough)", grouped(static_cast<std::int64_t>(comparison.rows)));
    }
    text += text.empty() ? fmt::format(" To tell {} from {}, were they {} apart, you would need {}", best->row->label,
                                       table.rules.baseline, compared.scale.margin(margin), amount)
                         : fmt::format("; {}, {}", compared.scale.margin(margin), amount);
  }
  if (text.empty()) return "";
  return text + (comparison.seeds <= kFewSeeds ? fmt::format(" (rough, from {} seeds).", comparison.seeds) : ".");
}

std::string keeps_clause(const ScoreTable& table, std::size_t column, const Compared& compared) {
  const Said* best = nullptr;
  for (const Said& one : compared.methods) {
    if (one.verdict->against && (best == nullptr || one.height > best->height)) best = &one;
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

std::size_t fewest_seeds(const Compared& compared) {
  std::size_t fewest = 0;
  for (const Said& one : compared.methods) {
    if (!one.verdict->against) continue;
    const std::size_t seeds = one.verdict->against->comparison.seeds;
    fewest = fewest == 0 ? seeds : std::min(fewest, seeds);
  }
  return fewest;
}

}  // namespace peftgrid::orchestrator
