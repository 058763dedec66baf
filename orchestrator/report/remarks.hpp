#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/sources.hpp"

namespace peftgrid::orchestrator {

/// What must be known of the whole report: CPU types mixed, trials of earlier grids, of other numerics versions,
/// conflicts and files that cannot be read.
std::vector<std::string> remarks_of(const Sources& sources);

}  // namespace peftgrid::orchestrator
