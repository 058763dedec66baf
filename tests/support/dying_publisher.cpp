// Preloaded into the program by fault tests: kills the process at a chosen instant of publishing a trial file, or stops
// it while it exits.
//   PEFTGRID_DIE=RANK,COUNT,WHERE   the rank (of mpirun; 0 for the bare program), which of its trials, counted from 1,
//                                   and draft (before the rename), renamed (right after it), synced (after the folder's
//                                   sync, before the report), or exit (stopped as it exits, whatever the count)
//   PEFTGRID_DIE_MARK=FILE          is made just before
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct Order {
  long count = 0;  // 0: none
  std::string where;
};

Order read_order() {
  const char* text = std::getenv("PEFTGRID_DIE");
  const char* mine = std::getenv("OMPI_COMM_WORLD_RANK");
  if (text == nullptr) return {};
  const std::string order = text;
  const auto first = order.find(','), second = order.find(',', first + 1);
  if (order.substr(0, first) != (mine == nullptr ? "0" : mine)) return {};
  return {std::strtol(order.c_str() + first + 1, nullptr, 10), order.substr(second + 1)};
}

bool is_trial(const char* name) {
  const std::size_t length = std::strlen(name);
  return length > 3 && std::strcmp(name + length - 3, ".h5") == 0 && std::strstr(name, "/trials/") != nullptr;
}

void leave_mark() {
  if (const char* mark = std::getenv("PEFTGRID_DIE_MARK")) close(open(mark, O_CREAT | O_WRONLY, 0644));
}

[[noreturn]] void die() {
  leave_mark();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

long published = 0;
bool at_next_sync = false;

}  // namespace

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  static const Order order = read_order();
  static const auto real = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  const bool now = order.count > 0 && is_trial(to) && ++published == order.count;
  if (now && order.where == "draft") die();
  const int result = real(from_folder, from, to_folder, to, flags);
  if (now && order.where == "renamed") die();
  at_next_sync = now && order.where == "synced";
  return result;
}

extern "C" int fsync(int file) {
  static const auto real = next<int (*)(int)>("fsync");
  const int result = real(file);
  if (at_next_sync) die();
  return result;
}

extern "C" [[noreturn]] void _Exit(int code) {
  // Of the program alone, not of the launcher and the shells that inherit the library.
  if (std::strcmp(program_invocation_short_name, "orchestrator") == 0 && read_order().where == "exit") {
    leave_mark();
    kill(getpid(), SIGSTOP);
  }
  _exit(code);
}
