#include "slurm/signals.hpp"

#include <atomic>
#include <csignal>

namespace peftgrid::slurm {

namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void remember(int signal) {
  received.store(signal, std::memory_order_relaxed);
}

}  // namespace

void watch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

int stop_signal() {
  return received.load(std::memory_order_relaxed);
}

}  // namespace peftgrid::slurm
