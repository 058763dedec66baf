#include "slurm/signals.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace peftgrid::slurm {

namespace {

std::atomic<int> received{0};
std::atomic<pid_t> launcher{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free &&
              std::atomic<std::int64_t>::is_always_lock_free);

extern "C" void remember(int signal) {
  received.store(signal, std::memory_order_relaxed);
}

// A process that is stopped does not see its clock tick: mpirun stops its ranks by a signal that nobody can catch.
constexpr std::int64_t kTick_ms = 50, kJump_ms = 300;
std::atomic<std::int64_t> last_tick_ms{0}, last_jump_ms{-kJump_ms};  // the end of the last jump

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void tick() {
  for (;;) {
    const std::int64_t now = now_ms();
    if (now - last_tick_ms.exchange(now) > kJump_ms) last_jump_ms = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(kTick_ms));
  }
}

bool was_stopped_just_now() {
  const std::int64_t now = now_ms();
  return now - last_tick_ms > kJump_ms || now - last_jump_ms < kJump_ms;
}

extern "C" void remember_if_from_launcher(int /*signal*/, siginfo_t* info, void* /*context*/) {
  if (info->si_pid != launcher.load(std::memory_order_relaxed) || was_stopped_just_now()) return;
  received.store(SIGTERM, std::memory_order_relaxed);
}

}  // namespace

void watch_stop_signals(std::int64_t launcher_pid) {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  // A terminal that goes away; unless nohup, or who else started this process, has said that it is to stay.
  struct sigaction before {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  // A reader of the output that is gone ends no run.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return;  // srun sends SIGCONT to go on after a suspension
  launcher.store(static_cast<pid_t>(launcher_pid), std::memory_order_relaxed);
  last_tick_ms = now_ms();
  std::thread(tick).detach();
  action = {};
  action.sa_sigaction = remember_if_from_launcher;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(SIGCONT, &action, nullptr);
}

int stop_signal() {
  return received.load(std::memory_order_relaxed);
}

}  // namespace peftgrid::slurm
