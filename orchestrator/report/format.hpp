#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// How numbers and names look in every kind of report.
namespace peftgrid::orchestrator {

std::string against_text(const Against& against, const Scale& scale);  // "+1.3 [-0.4, +3.0]"
std::string word_text(Word word, double margin,
                      const Scale& scale);  // "behind", "as good"; empty where nothing is told apart
/// What stands in the cell without marks: mean and standard deviation, or why there is none ("failed", "hole").
/// `with_seeds`: with the number of seeds, "84.2 ± 1.1 (3)".
std::string cell_text(const ScoreCell& cell, const Scale& scale, bool with_seeds);
std::string state_name(ScoreCell::State state);

std::string grouped(std::int64_t number);                  // "73,728"
std::string range_text(const Range& range);                // "73,728" or "73,728–74,112"
std::string bytes_text(double bytes);                      // "0.29 MB"
std::string rates_text(const std::vector<double>& rates);  // "0.004"; "0.0002, 0.004"
std::string size_text(std::int64_t train_size);            // "500 training rows"
std::string note_mark(std::size_t note);                   // "a", "b", ... "aa"
/// "a, b and c"; with another word before the last one, "a, b or c".
std::string listed(const std::vector<std::string>& names, const char* last = "and");
/// "2 seeds"; in words up to twelve where a sentence has it: "two seeds".
std::string in_words(std::size_t number);

}  // namespace peftgrid::orchestrator
