#include "orchestrator/schedule/machine_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace peftgrid::orchestrator {

std::int64_t machine_memory_bytes() {
  std::int64_t bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::int64_t limit = 0;  // "max" is no number
    if (std::ifstream(file) >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace peftgrid::orchestrator
