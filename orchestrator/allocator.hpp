#pragma once

namespace peftgrid::orchestrator {

/// Tells the allocator that memory which is given back will be asked for again. At the start of main.
void keep_freed_memory();

}  // namespace peftgrid::orchestrator
