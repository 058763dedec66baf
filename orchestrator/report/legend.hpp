#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/model.hpp"

/// What explains a table; the same words in every format.
namespace peftgrid::orchestrator {

/// For each column: how many seeds and test rows, what one row is worth, which differences that sees.
std::vector<std::string> design_lines(const ScoreTable& table);
/// What scores, stars, intervals and words mean, as far as the table has them.
std::vector<std::string> legend(const ScoreTable& table);
/// The star's meaning in one line, empty where nothing is starred: all a terminal has room for.
std::string star_line(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
