#pragma once

namespace peftgrid::worker::kernels {

/// dropout_factors.inc as a CUDA program, with the kernels dropout_factors and attention_factors.
extern const char* const kDropoutSource;

}  // namespace peftgrid::worker::kernels
