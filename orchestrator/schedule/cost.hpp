#pragma once

#include <cstdint>

#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// What a rank on a CUDA device is taken to do where nothing was measured: products of a small model on an H100.
inline constexpr worker::ProductSpeed kUsualCudaSpeed{3000, 1};

/// Seconds that `ranks` of them need for a trial (0: as many as it is wide): products, the rest of a step, the update
/// of what trains, evaluations; where ranks share it, their unlike shards and the sums. Good for order and for a first
/// guess; finished trials say how far it is off (speed.hpp).
double predicted_seconds(const worker::TrialSpec& spec, const worker::TaskFacts& task,
                         const worker::BackboneFacts& backbone, const worker::ProductSpeed& products,
                         std::int64_t ranks = 0);

/// Rows, steps and tokens of a trial, as far as they are known beforehand.
struct Workload {
  double train_rows = 0;  // of the sample
  double visits = 0;      // sequences trained on, all epochs together
  double steps = 0;
  double evaluated = 0;        // sequences, of the selection set over all evaluations and of the tests
  double tokens = 0;           // of a sequence
  double targets = 0;          // of these, those that are predicted from the ones before
  double sequences = 1;        // of a row
  bool features_once = false;  // the base gives each row's features once
};
Workload workload_of(const worker::TrialSpec& spec, const worker::TaskFacts& task,
                     const worker::BackboneFacts& backbone);

/// Bytes a finished trial leaves on disk, by its `keep`.
std::int64_t disk_bytes(const worker::TrialSpec& spec, const worker::TaskFacts& task,
                        const worker::BackboneFacts& backbone);
/// Bytes of a rank's own memory at the peak of a trial, without LibTorch's.
std::int64_t memory_bytes(const worker::TrialSpec& spec, const worker::TaskFacts& task,
                          const worker::BackboneFacts& backbone);

}  // namespace peftgrid::orchestrator
