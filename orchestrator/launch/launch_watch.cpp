#include "orchestrator/launch/launch_watch.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/launched_ranks.hpp"
#include "orchestrator/launch/launcher.hpp"
#include "orchestrator/output.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr double kTick_s = 0.1;

std::size_t number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtoul(text, nullptr, 10);
}

/// How long the launcher has lived, in seconds.
double life_of_launcher() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) -
         static_cast<double>(launcher()->start) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

[[noreturn]] void leave(const std::string& why) {
  complain("orchestrator: {}; the same command goes on\n", why);
  flush_output();
  leave_no_launcher_behind();
  std::_Exit(4);
}

std::string ranks_text(const std::vector<int>& ranks) {
  return fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "));
}

/// Once, by the first rank of the node that could: who is waited for.
void say_who_is_awaited(const LaunchedRanks::Started& started) {
  const auto me = static_cast<int>(number_in("OMPI_COMM_WORLD_RANK"));
  if (started.waiting.empty() || (!started.running.empty() && started.running.front() != me)) return;
  complain(
      "orchestrator: rank {} on {} waits for {} of this host, whose wrapper has not started the program yet; for "
      "{:.0f} min at most\n",
      me, worker::shown(host_name()), ranks_text(started.waiting), LaunchWatch::kWrapper_s / 60);
}

[[noreturn]] void leave_unmet(const LaunchedRanks::Started& started) {
  const std::string whom = started.waiting.empty() ? "ranks of other hosts, which MPI_Init waited for,"
                                                   : ranks_text(started.waiting) + " on " + worker::shown(host_name());
  leave(fmt::format("{} did not start within {:.0f} min", whom, LaunchWatch::kWrapper_s / 60));
}

/// Kills ranks that have been stopped for too long.
void end_stopped(LaunchedRanks& ranks, std::map<std::int64_t, double>& stopped_for_s) {
  std::map<std::int64_t, double> now;
  for (const std::int64_t pid : ranks.stopped()) {
    const double seconds = stopped_for_s[pid] + kTick_s;
    if (seconds > LaunchWatch::kStopped_s) ::kill(static_cast<pid_t>(pid), SIGKILL);
    now.emplace(pid, seconds);
  }
  stopped_for_s = std::move(now);
}

void watch_end(const std::stop_token& stop, int exit_code) {
  LaunchedRanks ranks(launcher()->pid);
  std::map<std::int64_t, double> stopped_for_s;
  for (double waited_s = 0; !stop.stop_requested(); waited_s += kTick_s) {
    if (waited_s > LaunchWatch::kEnd_s) {
      flush_output();
      leave_no_launcher_behind();
      std::_Exit(exit_code);
    }
    ranks.look();
    end_stopped(ranks, stopped_for_s);
    std::this_thread::sleep_for(std::chrono::duration<double>(kTick_s));
  }
}

}  // namespace

LaunchWatch::LaunchWatch() {
  if (!launcher() || number_in("OMPI_COMM_WORLD_SIZE") < 2) return;
  ranks_ = number_in("OMPI_COMM_WORLD_LOCAL_SIZE");
  if (ranks_ == 0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { watch_start(stop); });
}

void LaunchWatch::watch_start(const std::stop_token& stop) const {
  const double launch_s = std::clamp(life_of_launcher(), kLaunch_s, kWrapper_s);
  LaunchedRanks ranks(launcher()->pid);
  std::map<std::int64_t, double> stopped_for_s;
  std::size_t most = 0;
  bool said = false;
  for (double waited_s = 0; !stop.stop_requested(); waited_s += kTick_s) {
    const std::size_t living = ranks.look();
    most = std::max(most, living);
    if (most >= ranks_ && living < ranks_) leave("a rank of this node died while the run started");
    if (most < ranks_ && waited_s > launch_s) {
      leave(fmt::format(
          "no more than {} of {} ranks were there on {} within {:.0f} s of waiting for their launcher (pid {})", most,
          ranks_, worker::shown(host_name()), launch_s, launcher()->pid));
    }
    if (!all_run_ && !said && waited_s > kLaunch_s) {
      say_who_is_awaited(ranks.started());
      said = true;
    }
    if (!all_run_ && waited_s > kWrapper_s) leave_unmet(ranks.started());
    end_stopped(ranks, stopped_for_s);
    std::this_thread::sleep_for(std::chrono::duration<double>(kTick_s));
  }
}

void LaunchWatch::all_run() {
  all_run_ = true;
}

void LaunchWatch::over() {
  thread_ = {};
}

void LaunchWatch::ending(int exit_code) {
  const char* rank_of_node = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK");
  if (rank_of_node != nullptr && std::string_view(rank_of_node) == "0") leave_no_launcher_behind();
  if (ranks_ == 0) return;
  thread_ = std::jthread([exit_code](const std::stop_token& stop) { watch_end(stop, exit_code); });
}

}  // namespace peftgrid::orchestrator
