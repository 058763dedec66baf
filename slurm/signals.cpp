#include "slurm/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace peftgrid::slurm {

namespace {

std::atomic<int> received{0};
std::atomic<pid_t> launcher{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

extern "C" void remember(int signal) {
  received.store(signal, std::memory_order_relaxed);
}

extern "C" void remember_if_from_launcher(int /*signal*/, siginfo_t* info, void* /*context*/) {
  if (info->si_pid == launcher.load(std::memory_order_relaxed)) received.store(SIGTERM, std::memory_order_relaxed);
}

}  // namespace

void watch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return;  // srun sends SIGCONT to go on after a suspension
  launcher.store(getppid(), std::memory_order_relaxed);
  action = {};
  action.sa_sigaction = remember_if_from_launcher;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(SIGCONT, &action, nullptr);
}

int stop_signal() {
  return received.load(std::memory_order_relaxed);
}

}  // namespace peftgrid::slurm
