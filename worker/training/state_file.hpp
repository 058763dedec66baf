#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.hpp"
#include "checkpoint/trial_file.hpp"

/// The state of an unfinished trial as a file holds it: one safetensors file of tensors, the numbers beside them as
/// JSON, and one SHA-256 over all of it. Without LibTorch, so that it can be fuzzed.
namespace peftgrid::worker {

/// Where a trial stands between two steps, its tensors left out.
struct TrainingProgress {
  std::int64_t step = 0;        // steps done
  bool evaluation_due = false;  // the last of them is an evaluation point, and was not evaluated
  std::int64_t micro_step = 0;  // micro-batches done
  double loss_sum = 0;          // since the last point of the curve
  std::int64_t losses = 0;
  std::vector<checkpoint::CurvePoint> curve;
  std::int64_t best_step = 0, without_improvement = 0;
  double best_score = 0;
  double pending_decay = 1;  // of the optimizer
  std::int64_t training_tokens = 0;
  double training_s = 0, evaluation_s = 0, total_s = 0, rank_s = 0, cpu_s = 0;
};

std::string to_json(const TrainingProgress& progress);
/// Throws std::runtime_error for a text that to_json does not write, and for a number out of its bounds.
TrainingProgress progress_from_json(std::string_view text);

/// The numbers of a flat buffer, in this order: values, first_moment, second_moment, and best_values where something
/// was selected. Each as bytes, fp32.
struct StateBuffers {
  std::string_view values, first, second, best_values;
};

/// Whose state it is: another trial's buffer, or this one's in another order, would be trained on in silence.
struct StateOwner {
  std::string id;
  std::string layout;           // SHA-256 of names and shapes of what trains, in the buffer's order
  std::int64_t parameters = 0;  // numbers in the buffer
};

/// The tensors of a state file of `owner`; they point into `buffers` and `text`, which it fills.
struct StateText {
  std::string progress, id, layout, sha256;
};
std::vector<checkpoint::TensorToWrite> state_tensors(const TrainingProgress& progress, const StateOwner& owner,
                                                     const StateBuffers& buffers, StateText& text);

struct StateContent {
  TrainingProgress progress;
  StateBuffers buffers;  // point into the file's bytes
};
/// What a file of `owner` holds. Throws std::runtime_error where it is another's, or not as state_tensors made it.
StateContent state_content(std::string_view file, const StateOwner& owner);

}  // namespace peftgrid::worker
