#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::orchestrator {

/// Which ranks have fallen silent, or beat on without getting anywhere: a function of what was heard when.
class Liveness {
 public:
  Liveness(int ranks, double now_s);

  void heard(int rank, double now_s);
  /// A heartbeat: `signs` of progress so far, and for how long the rank may go on without a further one.
  void beat(int rank, std::int64_t signs, double patience_s, double now_s);
  /// A rank that waits for work makes no progress and need not.
  void working(int rank, bool works, double now_s);
  /// The watcher itself was stopped for a while (a suspended machine): nobody is blamed for that time.
  void slept(double seconds);
  void forget(int rank);

  struct Verdict {
    int rank;
    std::string why;  // "was silent for 10 s"
  };
  /// The ranks to be given up, each once.
  std::vector<Verdict> overdue(double now_s);

  static constexpr double kSilence_s = 10;

 private:
  struct Rank {
    bool watched = true, works = false;
    double heard_at_s, sign_at_s;
    std::int64_t signs = -1;
    double patience_s = 0;  // 0: not known yet
  };
  std::vector<Rank> ranks_;
};

}  // namespace peftgrid::orchestrator
