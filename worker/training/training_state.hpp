#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "worker/training/optim.hpp"
#include "worker/training/state_file.hpp"
#include "worker/training/team.hpp"

namespace peftgrid::worker {

/// Where a trial stands between two steps: all that it takes to go on with the same bytes. Rows and random numbers are
/// not in it: they follow from the step's number.
struct TrainingState : TrainingProgress {
  at::Tensor values, first, second;  // [parameters]: values and the optimizer's moments
  at::Tensor best_values;            // undefined: nothing selected yet
};

std::uint64_t bytes_of(const TrainingState& state);

/// Trial `id` that trains `parameters`, in this order.
StateOwner state_owner(const std::string& id, const FlatParameters& parameters);

/// Writes the state of `owner` as one file (state_file.hpp), in one step, over an older one. Throws FileError.
void write_state(const std::filesystem::path& file, const StateOwner& owner, const TrainingState& state);

/// The state of `owner`; nothing where there is no file, or one that is damaged or another's: then the trial starts
/// from its beginning.
std::optional<TrainingState> read_state(const std::filesystem::path& file, const StateOwner& owner);

/// Collective. The leader's state, if it has one, on every rank of the team; the others' is not looked at.
std::optional<TrainingState> share_state(const Team& team, std::optional<TrainingState> state, std::int64_t parameters);

}  // namespace peftgrid::worker
