#include "worker/team.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "worker/errors.hpp"

namespace peftgrid::worker {

namespace {

// A rank that is lost is noticed by the coordinator (liveness), which then takes the trial from the others: these
// limits are for what it does not notice. A rank may tokenize for an hour before its first step.
constexpr double kPatience_s = 3600;
constexpr double kVerdict_s = 30;  // until the coordinator has noticed

}  // namespace

Team::Team(std::unique_ptr<collectives::Group> group, std::function<bool()> stop)
    : group_(std::move(group)), stop_(std::move(stop)) {}

collectives::Deadline Team::deadline(const std::string& what) const {
  return {what, kPatience_s, stop_};
}

template <typename Call>
void Team::together(Call call) const {
  try {
    call();
  } catch (const collectives::CommError& error) {
    for (const collectives::Deadline verdict("", kVerdict_s); !verdict.passed();) {
      if (stop_()) throw Interrupted{};
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw TrialError(TrialError::Kind::Environment, std::string("a rank that shares it was lost: ") + error.what());
  }
}

void Team::sum(std::span<float> values, const std::string& what) const {
  if (size() > 1) together([&] { group_->all_reduce(values, deadline(what)); });
}

void Team::share(std::span<std::byte> bytes, const std::string& what) const {
  constexpr std::size_t kAtOnce = std::size_t{1} << 28;  // MPI counts in int
  if (size() == 1) return;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kAtOnce) {
    const auto part = bytes.subspan(begin, std::min(kAtOnce, bytes.size() - begin));
    together([&] { group_->broadcast(part, 0, deadline(what)); });
  }
}

std::string Team::share(std::string text, const std::string& what) const {
  if (size() > 1) together([&] { text = collectives::broadcast_text(*group_, std::move(text), 0, deadline(what)); });
  return text;
}

}  // namespace peftgrid::worker
