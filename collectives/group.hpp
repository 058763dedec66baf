#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "collectives/deadline.hpp"

namespace peftgrid::collectives {

/// The group can no longer be trusted: a peer is silent or did something else. Nothing further is sent after it.
class CommError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What all ranks of a group agreed on: ok, or the lowest rank that failed and why.
struct Verdict {
  bool ok = true;
  int rank = 0;
  std::string why;
};

/// Some ranks that do the same calls in the same order. Implementations: MPI, NCCL, and threads of one process (tests).
/// Every wait has a deadline; when it passes, the call throws CommError that names the phase.
class Group {
 public:
  virtual ~Group() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Collective. Copies `bytes` of `root` to all. Every rank passes the same size.
  virtual void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) = 0;
  /// Collective. Sums `values` over the ranks, in place, the same bytes on every rank. In rank order, so that the bytes
  /// depend on nothing but the values; NCCL alone adds in an order of its own.
  virtual void all_reduce(std::span<float> values, Deadline deadline) = 0;
  /// Collective. On `root`: each rank's bytes, by rank; elsewhere empty. Sizes may differ.
  virtual std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) = 0;
  /// Collective. Returns when all ranks are here.
  virtual void barrier(Deadline deadline) = 0;
  /// Collective. Each rank says whether it failed (and why); all learn the same verdict.
  virtual Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) = 0;
  /// Ends all ranks of the job without waiting for any of them.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

/// Collective. Broadcasts a text of a length only `root` knows.
std::string broadcast_text(Group& group, std::string text, int root, Deadline deadline);

}  // namespace peftgrid::collectives
