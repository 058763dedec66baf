#pragma once

#include <cstdint>

/// What this process uses, from the kernel's own accounts.
namespace peftgrid::worker {

/// Seconds of processor time that the process has used, all threads.
double cpu_seconds();
/// Forgets the peak so far, so that `peak_memory_bytes` speaks of what comes after. Quietly does nothing where the
/// kernel does not allow it.
void forget_peak_memory();
/// Highest resident memory, shared mappings included.
std::int64_t peak_memory_bytes();

/// Seconds on a clock that only goes forward.
double now_s();

}  // namespace peftgrid::worker
