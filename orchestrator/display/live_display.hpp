#pragma once

#include <memory>
#include <string>
#include <vector>

#include "orchestrator/display/display.hpp"

namespace peftgrid::orchestrator {

/// A bar for the grid, the cells done of all, and a line a rank: trial, step, loss. Drawn again four times a second.
std::unique_ptr<Display> make_live_display(const Grid& grid, const std::vector<std::string>& already_there, int ranks);

}  // namespace peftgrid::orchestrator
