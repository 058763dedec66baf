#pragma once

#include <cstdint>
#include <optional>

#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

/// What started the ranks of this node: the nearest ancestor that is mpirun, orted, prted or slurmstepd, however many
/// wrappers are between. Nothing where none can be seen, as from a container. What was found first stays the answer:
/// the dead have no children.
const std::optional<ProcessId>& launcher();
/// Its pid; the parent's where there is none.
std::int64_t launcher_pid();

/// To be called by a rank that leaves a run without MPI_Finalize, and by one of each node before MPI_Finalize. A small
/// process stays behind until the launcher is gone, for a minute at most, since two things would keep it for ever:
/// under `mpirun --enable-recovery` a launcher whose rank died at a bad moment of the start may wait though all of its
/// ranks are gone, so it is ended when it has had no living rank for five seconds; and a rank that was stopped while
/// it exits has no sibling left to notice, so ranks are killed when all that are left have been stopped for twenty
/// seconds. Does nothing under other launchers than Open MPI's.
void leave_no_launcher_behind();

}  // namespace peftgrid::orchestrator
