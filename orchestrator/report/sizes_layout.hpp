#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/layout.hpp"

namespace peftgrid::orchestrator {

/// Tables of one backbone and one column at several training sizes, as one: methods down, sizes across.
struct SizesLayout {
  TextTable scores, differences;   // `differences` without rows where nothing is compared
  std::vector<std::string> notes;  // of all sizes, in the order of the cells' marks
};
/// Whether these tables, in the order of their sizes, are such: two or more.
bool are_sizes_of_one_column(const std::vector<const ScoreTable*>& tables);
SizesLayout sizes_layout(const std::vector<const ScoreTable*>& tables);

}  // namespace peftgrid::orchestrator
