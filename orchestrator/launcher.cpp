#include "orchestrator/launcher.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "orchestrator/process.hpp"

namespace peftgrid::orchestrator {

namespace {

// A shell, because the process that starts it is about to end, whatever its other threads are at. Arguments: the
// launcher's pid, and its start time, so that another process of that number is let alone.
constexpr const char* kScript = R"(
launcher=$1 began=$2 alone=0 halted=0
for look in $(seq 120); do
  sleep 0.5
  facts=$(cat /proc/$launcher/stat 2>/dev/null) || exit 0
  set -- ${facts##*) }
  [ "${20}" = "$began" ] || exit 0
  alone=$((alone + 1)) halted=$((halted + 1)) stopped=
  for child in $(cat /proc/$launcher/task/$launcher/children 2>/dev/null); do
    facts=$(cat /proc/$child/stat 2>/dev/null) || continue
    set -- ${facts##*) }
    case $1 in
      Z) ;;
      T) alone=0 stopped="$stopped $child" ;;
      *) alone=0 halted=0 ;;
    esac
  done
  [ -n "$stopped" ] || halted=0
  [ $halted -ge 40 ] && kill -KILL $stopped
  [ $alone -eq 10 ] && kill -TERM $launcher
  [ $alone -ge 16 ] && kill -KILL $launcher
done
)";

bool is_open_mpi(std::int64_t pid) {
  std::ifstream in(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(in, name);
  return name == "mpirun" || name == "mpiexec" || name == "orterun" || name == "orted";
}

}  // namespace

void leave_no_launcher_behind() {
  const std::int64_t launcher = getppid();
  const auto facts = process_facts(launcher);
  if (!facts || !is_open_mpi(launcher)) return;
  std::string pid = std::to_string(launcher), start = std::to_string(facts->start), script = kScript;
  std::string shell = "sh", flag = "-c", name = "peftgrid-launcher-watch";
  const std::array<char*, 7> arguments{shell.data(), flag.data(),  script.data(), name.data(),
                                       pid.data(),   start.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  // No pipe of the launcher's may stay open, and no signal to its group is for this one.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t child = 0;
  posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
}

}  // namespace peftgrid::orchestrator
