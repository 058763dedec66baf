#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/trial_file.hpp"
#include "worker/team.hpp"

namespace peftgrid::worker {

/// Where a trial stands between two steps: all that it takes to go on with the same bytes. Rows and random numbers are
/// not in it: they follow from the step's number.
struct TrainingState {
  std::int64_t step = 0;        // steps done
  bool evaluation_due = false;  // the last of them is an evaluation point, and was not evaluated
  std::int64_t micro_step = 0;  // micro-batches done
  double loss_sum = 0;          // since the last point of the curve
  std::int64_t losses = 0;
  std::vector<checkpoint::CurvePoint> curve;
  std::int64_t best_step = 0, without_improvement = 0;
  double best_score = 0;
  double idle_factor = 1;            // of the optimizer
  at::Tensor values, first, second;  // [parameters]: values and the optimizer's moments
  at::Tensor best_values;            // undefined: nothing selected yet
  std::int64_t training_tokens = 0;
  double training_s = 0, evaluation_s = 0, total_s = 0, rank_s = 0, cpu_s = 0;
};

std::uint64_t bytes_of(const TrainingState& state);

/// Writes the state of trial `id` as one safetensors file, in one step, over an older one. Throws FileError.
void write_state(const std::filesystem::path& file, const std::string& id, const TrainingState& state);

/// The state of trial `id` that trains `parameters` numbers; nothing where there is no file, or one that is damaged or
/// another's: then the trial starts from its beginning.
std::optional<TrainingState> read_state(const std::filesystem::path& file, const std::string& id,
                                        std::int64_t parameters);

/// Collective. The leader's state, if it has one, on every rank of the team; the others' is not looked at.
std::optional<TrainingState> share_state(const Team& team, const std::string& id, std::optional<TrainingState> state,
                                         std::int64_t parameters);

}  // namespace peftgrid::worker
