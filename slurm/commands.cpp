#include "slurm/commands.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <vector>

namespace peftgrid::slurm {

namespace {

struct Result {
  int code = 0;
  std::string output;  // of stdout and stderr
};

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t size = 0; (size = read(file, block.data(), block.size())) != 0;) {
    if (size > 0) text.append(block.data(), static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR) break;
  }
  return text;
}

/// Runs a command to its end. Throws SlurmError where it cannot be started.
Result run(std::vector<std::string> words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw SlurmError(words[0] + ": " + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Result result;
  if (failed == 0) result.output = read_all(ends[0]);
  close(ends[0]);
  if (failed == ENOENT) throw SlurmError(words[0] + " is not installed here, or not in PATH");
  if (failed != 0) throw SlurmError(words[0] + " cannot be started: " + std::strerror(failed));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

}  // namespace

std::string submit_script(const std::filesystem::path& script, const std::string& dependency) {
  std::vector<std::string> words = {"sbatch", "--parsable"};
  if (!dependency.empty()) words.push_back("--dependency=" + dependency);
  words.push_back(script.string());
  const Result result = run(words);
  // "12" or "12;cluster", behind warnings if there are any.
  std::string last, line;
  for (std::istringstream text(result.output); std::getline(text, line);) last = line.empty() ? last : line;
  const std::string job = last.substr(0, last.find(';'));
  const bool number = !job.empty() && std::ranges::all_of(job, [](char c) { return c >= '0' && c <= '9'; });
  if (result.code != 0 || !number) throw SlurmError("sbatch refused " + script.string() + ": " + result.output);
  return job;
}

std::optional<std::int64_t> cores_of_a_node(const std::string& partition) {
  std::vector<std::string> words = {"sinfo", "--noheader", "--exact", "--format=%P %X %Y"};
  if (!partition.empty()) words.push_back("--partition=" + partition);
  std::optional<std::int64_t> fewest;
  try {
    const Result result = run(words);
    if (result.code != 0) return std::nullopt;
    std::istringstream lines(result.output);
    std::string name;
    for (std::int64_t sockets = 0, cores = 0; lines >> name >> sockets >> cores;) {
      // The default partition carries a star.
      if (!partition.empty() || name.ends_with('*'))
        fewest = std::min(fewest.value_or(sockets * cores), sockets * cores);
    }
  } catch (const SlurmError&) {
    return std::nullopt;
  }
  return fewest;
}

}  // namespace peftgrid::slurm
