#pragma once

#include <cstdint>

namespace peftgrid::slurm {

/// Installs handlers for SIGINT, SIGTERM, SIGUSR1 (Slurm's warning before the time limit) and, unless it is ignored as
/// by nohup, SIGHUP that only raise a flag. A reader of the output that leaves (SIGPIPE) ends nothing. Under mpirun
/// SIGCONT from it, the process `launcher`, counts as SIGTERM: mpirun 4.1 that is told to end sends its ranks SIGCONT
/// at once and SIGTERM a second later (measured), so this second is won for leaving in order. One that follows a stop,
/// as Ctrl-Z or a suspended job makes it, only lets the run go on.
void watch_stop_signals(std::int64_t launcher);

/// The signal that asked the program to stop, or 0. Looked at between steps.
int stop_signal();

}  // namespace peftgrid::slurm
