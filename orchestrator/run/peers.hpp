#pragma once

#include <string>
#include <vector>

#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

/// The processes of all ranks, watched for their death. Those of this host are seen to die within milliseconds
/// (pidfd_open(2)); of other hosts only silence tells (liveness.hpp).
class Peers {
 public:
  explicit Peers(std::vector<ProcessId> ranks);
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers();

  int size() const { return static_cast<int>(ranks_.size()); }
  const ProcessId& process(int rank) const { return ranks_[static_cast<std::size_t>(rank)]; }
  /// Ranks of this host whose process has ended since the last call.
  std::vector<int> newly_dead();
  /// Makes sure that a rank of this host does nothing more; elsewhere it can only be told to leave.
  void kill(int rank) const { kill_process(process(rank)); }

 private:
  std::vector<ProcessId> ranks_;
  std::vector<int> files_;  // by rank: a pidfd, -1 where there is none
};

}  // namespace peftgrid::orchestrator
