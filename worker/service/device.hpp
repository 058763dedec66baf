#pragma once

#include <ATen/core/Tensor.h>

#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Where the trial's numbers lie: host memory, or the CUDA device that is current in this thread.
at::Device device_of(const TrialSpec& spec);

/// What work on this device has cost so far, seconds: processor time of this process, which other processes on the same
/// cores leave as it is; of a GPU the time that passes.
double spent_s(at::Device device);

/// The most memory that tensors took on the current CUDA device since forget_device_peak, bytes.
std::int64_t device_peak_bytes();
void forget_device_peak();

}  // namespace peftgrid::worker
