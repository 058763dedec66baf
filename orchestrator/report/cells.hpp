#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/report/sources.hpp"

namespace peftgrid::orchestrator {

/// One cell of a table before its numbers are worked out: what was planned, what is stored, what failed.
struct CellContents {
  std::string id, backbone, task, label;
  std::int64_t train_size = 0;
  std::vector<std::string> planned;        // trial ids; without a grid, those that are stored
  std::vector<const StoredTrial*> stored;  // by id
  std::vector<FailedTrial> failed;         // of the planned ones that are not stored
  std::string hole;                        // why it cannot be run; then nothing else is set
};

/// All cells: in the grids' order where there is a grid, the rest by method (full first, then by the number of trained
/// parameters) and task. Where unlike cells would share a label, what differs between them is added to it, in the
/// stored trials too.
std::vector<CellContents> gather_cells(Sources& sources);

}  // namespace peftgrid::orchestrator
