#include "orchestrator/launch/launcher.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

namespace {

// A shell, because the process that starts it is about to end, whatever its other threads are at. Arguments: the
// launcher's pid, and its start time, so that another process of that number is let alone. Children that are no ranks,
// such as the ssh to another host, do not count.
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
    [ ! -r /proc/$child/environ ] || grep -qzs '^OMPI_COMM_WORLD_RANK=' /proc/$child/environ || continue
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

std::string name_of(std::int64_t pid) {
  std::ifstream in(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(in, name);
  return name;
}

bool is_open_mpi(std::string_view name) {
  constexpr std::array kNames{"mpirun",  "mpirun.openmpi", "mpiexec", "mpiexec.openmpi", "orterun", "orted",
                              "prterun", "prte",           "prted"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<ProcessId> find_launcher() {
  constexpr int kMostWrappers = 64;
  std::int64_t pid = getppid();
  for (int generation = 0; generation < kMostWrappers; ++generation) {
    const auto facts = process_facts(pid);
    if (!facts) return std::nullopt;
    const std::string name = name_of(pid);
    if (is_open_mpi(name) || name == "slurmstepd") return ProcessId{host_name(), pid, facts->start};
    pid = facts->parent;
  }
  return std::nullopt;
}

}  // namespace

const std::optional<ProcessId>& launcher() {
  static const std::optional<ProcessId> found = find_launcher();
  return found;
}

std::int64_t launcher_pid() {
  return launcher() ? launcher()->pid : getppid();
}

void leave_no_launcher_behind() {
  if (!launcher() || is_gone(*launcher()) || !is_open_mpi(name_of(launcher()->pid))) return;
  std::string pid = std::to_string(launcher()->pid), start = std::to_string(launcher()->start), script = kScript;
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
