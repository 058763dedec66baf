#include "orchestrator/report/sentence.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cmath>

#include "orchestrator/report/format.hpp"

namespace peftgrid::orchestrator {
namespace {

struct Standing {
  std::string best;
  std::vector<std::string> tied, behind, no_better_than_majority, mute, partly_mute;
  std::size_t seeds = 0, scored = 0;
};

Standing standing(const ScoreTable& table, std::size_t column) {
  Standing now;
  for (const MethodRow& row : table.rows) {
    const ScoreCell& cell = row.cells[column];
    const std::size_t runs = cell.summary.n + cell.undefined;
    if (cell.mute > 0 && cell.mute == runs) now.mute.push_back(row.label);
    if (cell.mute > 0 && cell.mute < runs)
      now.partly_mute.push_back(fmt::format("by {} in {} of {} seeds", row.label, cell.mute, runs));
    if (cell.state != ScoreCell::State::Scored) continue;
    ++now.scored;
    if (cell.best) {
      now.best = row.label;
      now.seeds = cell.summary.n;
    } else if (cell.tied) {
      now.tied.push_back(row.label);
    } else if (cell.comparable()) {
      now.behind.push_back(row.label);
    }
    const auto majority = table.columns[column].majority;
    if (majority && cell.summary.mean <= *majority) now.no_better_than_majority.push_back(row.label);
  }
  return now;
}

/// Which runs of a regression say nothing: their means are not to be read beside others in silence.
std::string mute_clause(const Standing& now) {
  std::string text;
  if (!now.mute.empty()) {
    const bool one = now.mute.size() == 1;
    text = fmt::format("; {} {} not compared: {} predictions do not vary", listed(now.mute), one ? "is" : "are",
                       one ? "its" : "their");
  }
  if (!now.partly_mute.empty()) text += "; one value for every row was predicted " + listed(now.partly_mute);
  return text;
}

std::string clause(const ScoreTable& table, std::size_t column) {
  const Standing now = standing(table, column);
  const std::string where = "on " + table.columns[column].heading + " ";
  if (now.best.empty())
    return where + (now.mute.empty() ? "nothing is measured yet" : "nothing can be compared") + mute_clause(now);
  std::string text = where + now.best;
  if (now.tied.empty() && now.behind.empty()) {
    text += " stands alone";
  } else if (now.tied.empty()) {
    text += " is best, and " + listed(now.behind) + (now.behind.size() == 1 ? " is" : " are") + " measurably behind";
  } else {
    const std::string seeds =
        now.seeds == 1 ? "one seed, by the sampling error of the test set" : fmt::format("{} seeds", now.seeds);
    text += " has the highest mean, but " + listed(now.tied) + " cannot be told apart from it with " + seeds;
    if (!now.behind.empty()) {
      text += ", while " + listed(now.behind) + (now.behind.size() == 1 ? " is" : " are") + " measurably behind";
    }
  }
  const std::size_t beaten = now.no_better_than_majority.size();
  if (beaten > 0 && beaten == now.scored) {
    text += beaten == 1 ? ", and does not beat the majority class" : ", and none of them beats the majority class";
  } else if (beaten > 0) {
    text += ", and " + listed(now.no_better_than_majority) + (beaten == 1 ? " does" : " do") +
            " not beat the majority class";
  }
  return text + mute_clause(now);
}

}  // namespace

std::string sentence_of(const ScoreTable& table) {
  if (table.chosen_on_reported) {
    return "The best step of each trial was chosen on the rows that are reported, as the protocol has it: the scores "
           "are too good, each method's by its own measure, and none is called better than another.";
  }
  std::string text;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].main) text += (text.empty() ? "" : "; ") + clause(table, i);
  }
  if (text.empty()) return "Nothing is measured yet.";
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

}  // namespace peftgrid::orchestrator
