#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace peftgrid::orchestrator {

/// Under srun without pmix Open MPI ends a process in MPI_Init. One task alone becomes a run of one rank; several are
/// refused: the first says so, and all are to leave with the exit code that is returned. Otherwise nothing.
std::optional<int> refuse_lonely_tasks();

/// Settings that Open MPI reads from the environment at MPI_Init: waiting ranks yield the core, and
/// shared-memory files lie in a folder of this job's own. Also removes the folders of dead jobs of this user: a killed
/// rank leaves 4 MiB of memory behind, a killed job its boards of features. The folder is this user's alone and its
/// name cannot be guessed; where somebody has put something there, Open MPI's own place is used.
void prepare_mpi_environment();
/// That folder, which the ranks of a node share; empty where there is none, or no launcher started this process.
std::filesystem::path job_memory();
/// Removes this job's folder again; after MPI_Finalize.
void clean_mpi_environment();

/// Does the death of one rank end the others? Under mpirun it does, unless `--enable-recovery` was given.
bool mpirun_ends_all_ranks();

/// Leaves this rank one of the GPUs that it sees, by its node-local rank: CUDA then knows no other. Before anything
/// asks for a device.
void bind_gpu();

/// Is a person watching? Under mpirun stdout is always a terminal of size 0 × 0, so the launcher's own is asked.
bool stdout_is_terminal();
/// Columns and lines of the terminal that is watched; 80 × 24 where it does not say.
struct TerminalSize {
  int columns = 80, lines = 24;
};
TerminalSize terminal_size();

std::string host_name();

}  // namespace peftgrid::orchestrator
