#include "orchestrator/launch_watch.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>
#include <vector>

#include "orchestrator/launcher.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/process.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr double kTick_s = 0.1;
constexpr double kLaunch_s = 15;  // for the launcher to start all ranks of a node, which takes it a second or two

/// Those that live: a launcher that is busy starting ranks buries the dead ones late.
std::vector<std::int64_t> children_of(std::int64_t pid) {
  std::ifstream in(fmt::format("/proc/{0}/task/{0}/children", pid));
  std::vector<std::int64_t> children;
  for (std::int64_t child = 0; in >> child;) {
    const auto facts = process_facts(child);
    if (facts && facts->state != 'Z') children.push_back(child);
  }
  return children;
}

[[noreturn]] void leave(const char* why) {
  complain("orchestrator: a rank of this node {} while the run started; the same command goes on\n", why);
  flush_output();
  leave_no_launcher_behind();
  std::_Exit(4);
}

/// Kills a stopped sibling that has been so for too long.
void end_stopped(const std::vector<std::int64_t>& siblings, std::map<std::int64_t, double>& stopped_for_s) {
  for (const std::int64_t pid : siblings) {
    const auto facts = process_facts(pid);
    if (!facts || facts->state != 'T') {
      stopped_for_s.erase(pid);
    } else if ((stopped_for_s[pid] += kTick_s) > LaunchWatch::kStopped_s) {
      ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
  }
}

void watch_start(const std::stop_token& stop, std::size_t ranks) {
  const std::int64_t launcher = getppid();
  std::map<std::int64_t, double> stopped_for_s;
  std::size_t most = 0;
  for (double waited_s = 0; !stop.stop_requested(); waited_s += kTick_s) {
    const std::vector<std::int64_t> siblings = children_of(launcher);
    most = std::max(most, siblings.size());
    if (most >= ranks && siblings.size() < ranks) leave("died");
    if (most < ranks && waited_s > kLaunch_s) leave("is missing");
    end_stopped(siblings, stopped_for_s);
    std::this_thread::sleep_for(std::chrono::duration<double>(kTick_s));
  }
}

void watch_end(const std::stop_token& stop, int exit_code) {
  const std::int64_t launcher = getppid();
  std::map<std::int64_t, double> stopped_for_s;
  for (double waited_s = 0; !stop.stop_requested(); waited_s += kTick_s) {
    if (waited_s > LaunchWatch::kEnd_s) {
      flush_output();
      leave_no_launcher_behind();
      std::_Exit(exit_code);
    }
    end_stopped(children_of(launcher), stopped_for_s);
    std::this_thread::sleep_for(std::chrono::duration<double>(kTick_s));
  }
}

}  // namespace

LaunchWatch::LaunchWatch() {
  const char* text = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  ranks_ = text == nullptr ? 0 : std::strtoul(text, nullptr, 10);
  if (ranks_ < 2) return;
  thread_ = std::jthread([ranks = ranks_](const std::stop_token& stop) { watch_start(stop, ranks); });
}

void LaunchWatch::over() {
  thread_ = {};
}

void LaunchWatch::ending(int exit_code) {
  const char* rank_of_node = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK");
  if (rank_of_node != nullptr && std::string_view(rank_of_node) == "0") leave_no_launcher_behind();
  if (ranks_ < 2) return;
  thread_ = std::jthread([exit_code](const std::stop_token& stop) { watch_end(stop, exit_code); });
}

}  // namespace peftgrid::orchestrator
