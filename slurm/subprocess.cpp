#include "slurm/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace peftgrid::slurm {

namespace {

using Clock = std::chrono::steady_clock;

struct Child {
  pid_t pid = 0;
  int output = -1;  // to be read and closed
};

Child start(std::vector<std::string>& words, bool with_errors) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw SlurmError(words[0] + ": " + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (with_errors) {
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Child child{0, ends[0]};
  const int failed = posix_spawnp(&child.pid, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed == 0) return child;
  close(ends[0]);
  if (failed == ENOENT) throw SlurmError(words[0] + " is not installed here, or not in PATH");
  throw SlurmError(words[0] + " cannot be started: " + std::strerror(failed));
}

int code_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// All that the child prints until it closes its end; false where `end` passes before.
bool read_until(int file, Clock::time_point end, std::string& text) {
  std::array<char, 4096> block{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd ready{file, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left)) <= 0) continue;
    const ssize_t size = read(file, block.data(), block.size());
    if (size == 0 || (size < 0 && errno != EINTR)) return true;
    if (size > 0) text.append(block.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

CommandResult run_command(std::vector<std::string> words) {
  const Child child = start(words, true);
  CommandResult result;
  read_until(child.output, Clock::now() + std::chrono::hours(24), result.output);
  close(child.output);
  result.code = code_of(child.pid);
  return result;
}

std::optional<std::string> answer_of(std::vector<std::string> words, double deadline_s) try {
  const Child child = start(words, false);
  const auto deadline = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(deadline_s));
  std::string text;
  const bool ended = read_until(child.output, Clock::now() + deadline, text);
  close(child.output);
  if (!ended) kill(child.pid, SIGKILL);
  const int code = code_of(child.pid);
  return ended && code == 0 ? std::optional(text) : std::nullopt;
} catch (const SlurmError&) {
  return std::nullopt;
}

}  // namespace peftgrid::slurm
