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
  double mean = 0;
};

/// Which methods may be the best; without a space in front.
std::string best_clause(const std::vector<Said>& compared, std::size_t seeds);
/// The unstarred ones that are not behind the baseline: who is above them. In words that claim no more than the star.
std::string above_clause(const ScoreTable& table, const std::vector<Said>& compared);
/// Each method's word against the baseline; of many methods each word once.
std::string against_clause(const ScoreTable& table, const std::vector<Said>& compared);
/// What it would take to tell the best of the open methods from the baseline.
std::string needs_clause(const ScoreTable& table, const std::vector<Said>& compared);
/// What the best other method keeps of the baseline's score and of its gain over the majority class: the share of a
/// score alone flatters.
std::string keeps_clause(const ScoreTable& table, std::size_t column, const std::vector<Said>& compared);

/// Of the comparisons with the baseline; 0 where there is none.
std::size_t fewest_seeds(const std::vector<Said>& compared);
/// "lora and bitfit are"; of many only how many.
std::string listed_with_verb(const std::vector<std::string>& names);
/// Points to one place: "0.4".
std::string by_points(double difference);

}  // namespace peftgrid::orchestrator
