#include "orchestrator/report/format.hpp"
#include "orchestrator/grid/grid.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace peftgrid::orchestrator {
std::string against_text(const Against& against, const Scale& scale) {
  return fmt::format("{} [{}, {}]", scale.signed_number(against.comparison.difference),
                     scale.signed_number(against.joint.low), scale.signed_number(against.joint.high));
}

std::string word_text(Word word, double margin, const Scale& scale) {
  switch (word) {
    case Word::Ahead:
      return "ahead";
    case Word::BehindWithin:
      return "behind by < " + scale.margin_number(margin);
    case Word::Behind:
      return "behind";
    case Word::AsGood:
      return "as good";
    case Word::NotWorse:
      return "not worse";
    case Word::NotToldApart:
      return "";
  }
  return "";
}

std::string state_name(ScoreCell::State state) {
  switch (state) {
    case ScoreCell::State::Empty:
      return "none";
    case ScoreCell::State::Scored:
      return "scored";
    case ScoreCell::State::Missing:
      return "missing";
    case ScoreCell::State::Failed:
      return "failed";
    case ScoreCell::State::Hole:
      return "not applicable";
    case ScoreCell::State::Diverged:
      return "diverged";
    case ScoreCell::State::Undefined:
      return "undefined";
  }
  return "none";
}

std::string cell_text(const ScoreCell& cell, const Scale& scale, bool with_seeds) {
  if (cell.state == ScoreCell::State::Empty) return "–";
  if (cell.state != ScoreCell::State::Scored) return state_name(cell.state);
  std::string text = scale.mean(cell.summary.mean);
  if (cell.summary.sd) text += " ± " + scale.number(*cell.summary.sd);
  return with_seeds ? fmt::format("{} ({})", text, cell.summary.n) : text;
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(std::abs(number));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return (number < 0 ? "-" : "") + digits;
}

std::string range_text(const Range& range) {
  return range.low == range.high ? grouped(range.low) : grouped(range.low) + "–" + grouped(range.high);
}

std::string bytes_text(double bytes) {
  if (bytes < 1e4) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1e8) return fmt::format("{:.2f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

std::string rates_text(const std::vector<double>& rates) {
  std::vector<std::string> texts;
  for (const double rate : rates) texts.push_back(fmt::format("{}", rate));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string size_text(std::int64_t train_size) {
  if (train_size == kNoTrainingRows) return "no training rows";
  return train_size == 0 ? "all training rows" : grouped(train_size) + " training rows";
}

std::string note_mark(std::size_t note) {
  std::string mark;
  for (std::size_t rest = note + 1; rest > 0; rest = (rest - 1) / 26) {
    mark.insert(mark.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return mark;
}

std::string listed(const std::vector<std::string>& names, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? fmt::format(" {} ", last) : ", ";
    text += names[i];
  }
  return text;
}

std::string in_words(std::size_t number) {
  constexpr std::array kWords = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                 "seven", "eight", "nine", "ten",   "eleven", "twelve"};
  return number < kWords.size() ? kWords[number] : grouped(static_cast<std::int64_t>(number));
}

}  // namespace peftgrid::orchestrator
