#include "worker/training/state_saver.hpp"

#include <algorithm>
#include <utility>

#include "checkpoint/errors.hpp"
#include "worker/service/measure.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint64_t kBytesOnLeaving = 32ULL << 20;
constexpr double kMostShare = 1.0 / 50;  // of a trial's time that goes into saving

}  // namespace

StateSaver::StateSaver(const CheckpointPolicy& policy, StateOwner owner)
    : policy_(policy), owner_(std::move(owner)), saved_at_s_(now_s()) {}

bool StateSaver::is_due() const {
  return now_s() - saved_at_s_ > std::max(policy_.every_s, takes_s_ / kMostShare);
}

std::optional<std::string> StateSaver::save(const TrainingState& state, bool due) {
  if (!due && bytes_of(state) > kBytesOnLeaving) return std::nullopt;
  const double begin = now_s();
  std::optional<std::string> trouble;
  try {
    write_state(policy_.file, owner_, state);
  } catch (const checkpoint::FileError& error) {
    if (takes_s_ == 0) trouble = std::string("its state could not be kept: ") + error.what();
  }
  saved_at_s_ = now_s();
  takes_s_ = std::max(1e-3, saved_at_s_ - begin);
  return trouble;
}

}  // namespace peftgrid::worker
