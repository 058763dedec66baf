#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "worker/backbones/backbone.hpp"

namespace peftgrid::worker {

/// What the head reads of each row, [rows, width], announced at Site::Output.
at::Tensor representation(const Backbone& backbone, const std::string& readout, const Weights& weights,
                          const Batch& batch, const Sites& sites);

}  // namespace peftgrid::worker
