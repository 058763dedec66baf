#pragma once

#include <ATen/core/Tensor.h>

#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Where the trial's numbers lie: host memory, or the CUDA device that is current in this thread.
at::Device device_of(const TrialSpec& spec);

/// The most memory that tensors took on the current CUDA device since forget_device_peak, bytes.
std::int64_t device_peak_bytes();
void forget_device_peak();

}  // namespace peftgrid::worker
