#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/trial_file.hpp"
#include "worker/training/trainer.hpp"
#include "worker/trial.hpp"

/// Whole trials, trained in this process.
namespace peftgrid::tests {

/// Of 34 rows in nine steps an epoch, selected by twenty; its task is still to be given.
worker::TrialSpec short_trial(const std::string& method, const std::string& folder, const std::string& readout);

/// By one rank; `stop_after` so many steps, where that is more than 0 (throws worker::Interrupted).
checkpoint::TrialRecord trained(const worker::TrialSpec& spec, const worker::CheckpointPolicy& checkpoints = {},
                                std::int64_t stop_after = 0);
/// By so many ranks, which are threads.
checkpoint::TrialRecord trained_by(int ranks, const worker::TrialSpec& spec);

/// Of tensors, predictions and curves.
void expect_same_bytes(const checkpoint::TrialRecord& one, const checkpoint::TrialRecord& other);

}  // namespace peftgrid::tests
