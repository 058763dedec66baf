#pragma once

namespace peftgrid::slurm {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 (Slurm's warning before the time limit) that only raise a flag.
void watch_stop_signals();

/// The signal that asked the program to stop, or 0. Looked at between steps.
int stop_signal();

}  // namespace peftgrid::slurm
