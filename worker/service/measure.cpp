#include "worker/service/measure.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include "worker/service/allocator.hpp"

namespace peftgrid::worker {

namespace {

/// Bytes of memory that this process holds.
std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void forget_peak_memory() {
  // What an earlier trial gave back is not this one's.
  constexpr std::int64_t kWorthIt_bytes = 32 << 20;
  static const std::int64_t at_first = resident_bytes();
  if (resident_bytes() - at_first > kWorthIt_bytes) give_back_freed_memory();
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
