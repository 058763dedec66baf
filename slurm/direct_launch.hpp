#pragma once

#include "slurm/environment.hpp"

namespace peftgrid::slurm {

/// How srun has started this process where Open MPI was given no way to reach the other tasks (no pmix, no mpirun).
enum class DirectLaunch {
  None,   // not by srun, or with pmix, or by an mpirun inside of the step
  Alone,  // the only task of its step, or a shell's child in it
  First,  // the first of several tasks
  Other,  // another of several
};

DirectLaunch direct_launch(const Variables& variables);

/// Takes the step's variables away from this process, by which Open MPI 4.1 takes it for a task that srun started with
/// PMI, and ends it in MPI_Init; without them it is a run of one rank, as in a batch script.
void forget_step();

}  // namespace peftgrid::slurm
