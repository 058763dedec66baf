#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "worker/trial.hpp"

/// What coordinator and workers say to each other, as JSON texts; a trial's spec is a text of its own behind the first.
namespace peftgrid::worker {

/// The ranks that share one trial; the first leads and publishes. Numbers are never used again, so that a letter of a
/// gang that is no more can be told.
struct Gang {
  std::int64_t number = 0;
  std::vector<int> ranks;
};

/// Worker to coordinator.
struct Ask {};  // for the next trial
struct Report {
  TrialOutcome outcome;
  std::int64_t gang = 0;
};
/// Sent all the time, by a thread beside the one that trains.
struct Heartbeat {
  std::int64_t step = 0, steps = 0;
  double loss = 0;
  std::int64_t signs = 0;  // of progress so far, counted over all trials
  double patience_s = 0;   // without a further sign for that long the rank is stuck
};
/// The disk refuses a finished trial, which waits in memory; empty: no longer.
struct Trouble {
  std::string why;
};
using FromWorker = std::variant<Ask, Report, Heartbeat, Trouble>;

/// Coordinator to worker.
struct Assign {
  TrialSpec spec;
  std::string spec_json;  // as to_json writes the spec
  Gang gang;
};
/// A gang lost a rank, or a rank of it failed: the others drop its trial and ask again.
struct Dissolve {
  std::int64_t gang = 0;
};
struct Alive {};  // the coordinator is
/// The end. `leave`: of the process, at once and without MPI_Finalize, which hangs once a rank has died.
struct End {
  bool leave = false;
};
using ToWorker = std::variant<Assign, Dissolve, Alive, End>;

std::string encode(const FromWorker& message);
std::string encode(const ToWorker& message);
/// Throw std::runtime_error for a text that is none of theirs.
FromWorker decode_from_worker(const std::string& text);
ToWorker decode_to_worker(const std::string& text);

}  // namespace peftgrid::worker
