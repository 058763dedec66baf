#pragma once

#include <optional>
#include <string>

namespace peftgrid::collectives {

struct Letter {
  int from = 0;
  std::string text;
};

/// Texts from rank to rank, in order between two ranks. Implementations: MPI, and threads of one process (tests).
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Returns at once; the text is on its way.
  virtual void send(int to, std::string text) = 0;
  /// A letter that has come, if one has. Does not wait.
  virtual std::optional<Letter> poll() = 0;
  /// For `seconds` at most; less where a letter from this very process comes meanwhile.
  virtual void wait(double seconds) = 0;
};

}  // namespace peftgrid::collectives
