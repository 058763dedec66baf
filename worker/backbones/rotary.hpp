#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/backbones/architecture.hpp"
#include "worker/kernels/functions.hpp"

namespace peftgrid::worker {

/// By which angles the pairs of tokens at `positions` [tokens] turn: position times inverse frequency in fp32, as
/// transformers forms them; cosine and sine of that number in double precision, rounded.
Rotation rotation_at(const RotaryConfig& rotary, std::int64_t head_dim, const at::Tensor& positions);

}  // namespace peftgrid::worker
