#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// How numbers and names look in every kind of report. Scores are shown times 100.
namespace peftgrid::orchestrator {

std::string hundredfold(double score);  // "84.2"; "+1.3" is signed()
std::string signed_hundredfold(double difference);
std::string summary_text(const Summary& summary);     // "84.2 ± 1.1 (3)"; "84.2 (1)"
std::string estimate_text(const Estimate& estimate);  // "+1.3 [-0.4, +3.0] (3)"
/// What stands in the cell without marks: a summary, or why there is none ("failed", "hole").
std::string cell_text(const ScoreCell& cell);
std::string state_name(ScoreCell::State state);

std::string grouped(std::int64_t number);                     // "73,728"
std::string range_text(std::int64_t low, std::int64_t high);  // "73,728" or "73,728-74,112"
std::string bytes_text(double bytes);                         // "0.29 MB"
std::string rates_text(const std::vector<double>& rates);     // "0.004"; "0.0002, 0.004"
std::string size_text(std::int64_t train_size);               // "500 training rows"
std::string note_mark(std::size_t note);                      // "a", "b", ... "aa"
std::string listed(const std::vector<std::string>& names);    // "a, b and c"
/// Whether the column's first row of a footer is known: "57.8", or "-".
std::string majority_text(const ScoreColumn& column);
std::string sampling_text(const ScoreColumn& column);  // "± 1.4"

/// The remarks that explain a table's marks; the same words in every format.
std::vector<std::string> legend(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
