#pragma once

#include <functional>

#include "collectives/group.hpp"

namespace peftgrid::collectives {

/// Runs `body` once a rank, each in a thread of its own, with a Group that connects them. Rethrows the exception of the
/// lowest rank that threw, after all threads have ended.
void run_as_threads(int ranks, const std::function<void(Group&)>& body);

}  // namespace peftgrid::collectives
