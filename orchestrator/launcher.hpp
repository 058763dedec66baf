#pragma once

namespace peftgrid::orchestrator {

/// To be called by a rank that leaves a run without MPI_Finalize. Under `mpirun --enable-recovery` a launcher whose
/// rank died at a bad moment of the start may wait for ever though all of its ranks are gone. A small process stays
/// behind for up to half a minute: it ends the launcher when that has had no living child for five seconds. Does
/// nothing under other launchers than Open MPI's.
void leave_no_launcher_behind();

}  // namespace peftgrid::orchestrator
