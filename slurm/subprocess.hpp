#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace peftgrid::slurm {

/// A command of Slurm is not installed, or refused; says which and why.
class SlurmError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CommandResult {
  int code = 0;        // its exit code; 128 where a signal ended it
  std::string output;  // of stdout and stderr
};

/// Runs a command, without a shell, to its end. Throws SlurmError where it cannot be started.
CommandResult run_command(std::vector<std::string> words);

/// What a command answers on stdout, for questions that may stay open: nothing where it is not there, fails, or has not
/// ended after `deadline_s`, when it is killed.
std::optional<std::string> answer_of(std::vector<std::string> words, double deadline_s);

}  // namespace peftgrid::slurm
