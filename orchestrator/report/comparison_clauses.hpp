#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// Parts of a sentence about methods that are compared, each with a space in front, or empty.
namespace peftgrid::orchestrator {

/// A method and what is said of it.
struct Said {
  const MethodRow* row = nullptr;
  const Verdict* verdict = nullptr;
  double height = 0;  // its mean; of errors their negative, so that higher is better
};

/// The methods that are compared in a column, or on the average of several, and how their differences are written.
struct Compared {
  std::vector<Said> methods;
  Scale scale;
  double margin = 0;  // as ScoreColumn's
  bool all = true;    // no other method has a score here
};

/// Which methods may be the best; without a space in front.
std::string best_clause(const Compared& compared, std::size_t seeds);
/// The unstarred ones that are not behind the baseline: who is above them. In words that claim no more than the star.
std::string above_clause(const ScoreTable& table, const Compared& compared);
/// Each method's word against the baseline; of many methods each word once.
std::string against_clause(const ScoreTable& table, const Compared& compared);
/// What it would take to tell the best of the open methods from the baseline.
std::string needs_clause(const ScoreTable& table, const Compared& compared);
/// What the best other method keeps of the baseline's score and of its gain over the majority class: the share of a
/// score alone flatters.
std::string keeps_clause(const ScoreTable& table, std::size_t column, const Compared& compared);

/// Of the comparisons with the baseline; 0 where there is none.
std::size_t fewest_seeds(const Compared& compared);
/// "lora and bitfit are"; of many only how many.
std::string listed_with_verb(const std::vector<std::string>& names);

}  // namespace peftgrid::orchestrator
