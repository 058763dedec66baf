#include "worker/training/team.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "worker/errors.hpp"
#include "worker/service/measure.hpp"

namespace peftgrid::worker {

namespace {

// A rank that is lost is noticed by the coordinator (liveness), which then takes the trial from the others: these
// limits are for what it does not notice, as a sum that hangs. A rank may tokenize for an hour before its first step;
// later on all have about as much to do between two sums.
constexpr double kPrepare_s = 3600;
constexpr double kLeastPatience_s = 60, kPatienceInTurns = 20;
constexpr double kVerdict_s = 12;  // until the coordinator has noticed: silence takes it 10 s

}  // namespace

Team::Team(std::unique_ptr<collectives::Group> group, std::function<bool()> stop)
    : group_(std::move(group)), stop_(std::move(stop)) {}

template <typename Call>
void Team::together(const std::string& what, Call call) const {
  const double turn_s = now_s() - together_at_s_;
  const double patience_s = together_at_s_ == 0 ? kPrepare_s : std::max(kLeastPatience_s, kPatienceInTurns * turn_s);
  try {
    call(collectives::Deadline(what, patience_s, stop_));
    together_at_s_ = now_s();
  } catch (const collectives::CommError& error) {
    for (const collectives::Deadline verdict("", kVerdict_s); !verdict.passed();) {
      if (stop_()) throw Interrupted{};
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw TrialError(TrialError::Kind::Environment, std::string("the ranks that share it lost touch: ") + error.what());
  }
}

void Team::sum(std::span<float> values, const std::string& what) const {
  if (size() > 1) together(what, [&](const auto& deadline) { group_->all_reduce(values, deadline); });
}

void Team::share(std::span<std::byte> bytes, const std::string& what) const {
  constexpr std::size_t kAtOnce = std::size_t{1} << 28;  // MPI counts in int
  if (size() == 1) return;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kAtOnce) {
    const auto part = bytes.subspan(begin, std::min(kAtOnce, bytes.size() - begin));
    together(what, [&](const auto& deadline) { group_->broadcast(part, 0, deadline); });
  }
}

std::string Team::share(std::string text, const std::string& what) const {
  if (size() == 1) return text;
  together(what,
           [&](const auto& deadline) { text = collectives::broadcast_text(*group_, std::move(text), 0, deadline); });
  return text;
}

}  // namespace peftgrid::worker
