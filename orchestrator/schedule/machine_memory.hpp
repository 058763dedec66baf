#pragma once

#include <cstdint>

namespace peftgrid::orchestrator {

/// Bytes that this machine's processes may have together: its memory, or what a control group leaves of it.
std::int64_t machine_memory_bytes();

}  // namespace peftgrid::orchestrator
