#include "orchestrator/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

std::atomic<int> lost{0};

void note_loss(bool written) {
  int none = 0;
  if (!written) lost.compare_exchange_strong(none, errno == 0 ? EIO : errno);
}

}  // namespace

void draw(std::string_view text) {
  errno = 0;
  note_loss(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void print_out(std::string_view text) {
  draw(worker::shown(text, worker::Lines::Keep));
}

void print_error(std::string_view text) {
  const std::string shown = worker::shown(text, worker::Lines::Keep);
  std::fwrite(shown.data(), 1, shown.size(), stderr);
}

void say_out_of_memory() {
  constexpr std::string_view kText =
      "orchestrator: out of memory; fewer ranks on this machine, or a higher limit (ulimit -v), would be right; the "
      "same command goes on\n";
  static_cast<void>(write(STDERR_FILENO, kText.data(), kText.size()));
}

void flush_output() {
  errno = 0;
  note_loss(std::fflush(stdout) == 0);
  std::fflush(stderr);
}

int lost_output() {
  return lost;
}

void keep_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    // The lowest free number is this one; reading only, so that printing there is still found to fail.
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDONLY));
  }
}

}  // namespace peftgrid::orchestrator
