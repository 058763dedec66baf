#pragma once

#include "worker/backbones/architecture.hpp"

namespace peftgrid::worker {

/// What a config.json says of rotary positions, in the form of transformers 5 ("rope_parameters") or before
/// ("rope_theta", "rope_scaling"). One that says nothing is refused: models differ, and 10,000 would be a guess.
RotaryConfig read_rotary(const ConfigReader& read, std::int64_t head_dim);

}  // namespace peftgrid::worker
