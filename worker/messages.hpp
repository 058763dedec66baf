#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "worker/trial.hpp"

/// What coordinator and workers say to each other, as JSON texts.
namespace peftgrid::worker {

/// Worker to coordinator.
struct Ask {};  // for the next trial
struct Report {
  TrialOutcome outcome;
};
struct Heartbeat {
  std::string id;
  std::int64_t step = 0, steps = 0;
  double loss = 0;
};
using FromWorker = std::variant<Ask, Report, Heartbeat>;

/// Coordinator to worker: a trial, or the end.
struct Assign {
  TrialSpec spec;
};
struct End {};
using ToWorker = std::variant<Assign, End>;

std::string encode(const FromWorker& message);
std::string encode(const ToWorker& message);
/// Throw std::runtime_error for a text that is none of theirs.
FromWorker decode_from_worker(const std::string& text);
ToWorker decode_to_worker(const std::string& text);

}  // namespace peftgrid::worker
