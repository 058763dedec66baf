#pragma once

#include <vector>

#include "collectives/group.hpp"
#include "orchestrator/launch/cores.hpp"
#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

/// What every rank knows of the others.
struct RankDirectory {
  std::vector<ProcessId> ranks;  // on rank 0; elsewhere empty
  ProcessId coordinator;
  SharedCores cores;
};

/// Collective. The first words between all ranks: who is who, and what they may compute on. Throws
/// collectives::CommError where that takes longer than StartDeadline::kMeet_s.
RankDirectory exchange_ids(collectives::Group& group);

}  // namespace peftgrid::orchestrator
