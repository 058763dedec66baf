#pragma once

#include <stdexcept>
#include <string>

namespace peftgrid::worker {

/// The user's input is wrong: says what, where and what would be right. The program exits with 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One trial cannot go on (diverged, does not fit, out of memory). It ends with this reason; the grid goes on.
class TrialError : public std::runtime_error {
 public:
  enum class Kind {
    Result,       // belongs to the trial (divergence): recorded, not repeated
    Environment,  // belongs to the machine (memory, disk): the same command tries it again
  };
  TrialError(Kind whose, const std::string& reason) : std::runtime_error(reason), kind(whose) {}
  Kind kind;
};

/// What the run was planned from is no longer what its files hold: the run ends, and the same command plans anew.
class ChangedInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace peftgrid::worker
