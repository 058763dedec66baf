#include "orchestrator/allocator.hpp"

#ifdef PEFTGRID_MIMALLOC
#include <mimalloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#endif

namespace peftgrid::orchestrator {

#ifdef PEFTGRID_MIMALLOC

namespace {

/// Enough for a rank's tensors; behind it mimalloc asks the kernel as usual. Takes addresses only until it is used.
constexpr std::size_t kSpace = 512ULL << 20U, kSegment = 64ULL << 20U;

/// Memory in pages of 2 MiB: a third fewer page faults, and fewer misses of the processor's page cache. By
/// mimalloc's own option it would take pages that an administrator has set aside for others.
void use_large_pages() {
  void* space =
      mmap(nullptr, kSpace + kSegment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return;
  const auto address = reinterpret_cast<std::uintptr_t>(space);
  char* aligned = static_cast<char*>(space) + (kSegment - address % kSegment) % kSegment;
  madvise(aligned, kSpace, MADV_HUGEPAGE);
  mi_manage_os_memory(aligned, kSpace, true, false, true, -1);
}

}  // namespace

void keep_freed_memory() {
  constexpr long kMilliseconds = 10'000;
#if MI_MALLOC_VERSION < 210
  mi_option_set_default(mi_option_decommit_delay, kMilliseconds);
#else
  mi_option_set_default(mi_option_purge_delay, kMilliseconds);
#endif
  use_large_pages();
}

#else

void keep_freed_memory() {}

#endif

}  // namespace peftgrid::orchestrator
