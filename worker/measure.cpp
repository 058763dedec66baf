#include "worker/measure.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

/// mimalloc's, where the program runs on it.
extern "C" __attribute__((weak)) void mi_collect(bool force);

namespace peftgrid::worker {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

namespace {

/// Bytes of memory that this process holds.
std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace

void forget_peak_memory() {
  // The allocator keeps what an earlier trial gave back (orchestrator/allocator.cpp): not this one's.
  constexpr std::int64_t kWorthIt_bytes = 32 << 20;
  static const std::int64_t at_first = resident_bytes();
  if (mi_collect != nullptr && resident_bytes() - at_first > kWorthIt_bytes) mi_collect(true);
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::int64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace peftgrid::worker
