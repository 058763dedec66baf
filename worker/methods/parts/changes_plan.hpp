#pragma once

#include <vector>

#include "worker/plan/method_plan.hpp"

namespace peftgrid::worker {

/// Lists PLACE.scale_change and PLACE.shift_change of every norm (parts/changes.hpp).
void list_norms(const Geometry& geometry, std::vector<ParameterFact>& facts);

}  // namespace peftgrid::worker
