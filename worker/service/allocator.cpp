#include "worker/service/allocator.hpp"

#include <mimalloc.h>

// Weak, so that what is linked without mimalloc (tests, sanitizers) runs on the C library's allocator.
#pragma weak mi_collect
#pragma weak mi_option_set

namespace peftgrid::worker {

namespace {

void keep_for(long milliseconds) {
#if MI_MALLOC_VERSION < 210
  constexpr mi_option_t kDelay = mi_option_decommit_delay;
#else
  constexpr mi_option_t kDelay = mi_option_purge_delay;
#endif
  if (mi_option_set != nullptr) mi_option_set(kDelay, milliseconds);
}

constexpr long kAtOnce_ms = 25, kLater_ms = 10'000;

}  // namespace

void give_back_freed_memory() {
  if (mi_collect != nullptr) mi_collect(true);
}

Frugal::Frugal() {
  keep_for(kAtOnce_ms);
}

Frugal::~Frugal() {
  give_back_freed_memory();
  keep_for(kLater_ms);
}

}  // namespace peftgrid::worker
