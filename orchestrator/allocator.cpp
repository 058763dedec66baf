#include "orchestrator/allocator.hpp"

#ifdef PEFTGRID_MIMALLOC
#include <mimalloc.h>
#endif

namespace peftgrid::orchestrator {

void keep_freed_memory() {
#ifdef PEFTGRID_MIMALLOC
  constexpr long kMilliseconds = 10'000;
#if MI_MALLOC_VERSION < 210
  mi_option_set_default(mi_option_decommit_delay, kMilliseconds);
#else
  mi_option_set_default(mi_option_purge_delay, kMilliseconds);
#endif
#endif
}

}  // namespace peftgrid::orchestrator
