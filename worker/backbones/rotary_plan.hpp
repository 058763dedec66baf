#pragma once

#include "worker/backbones/architecture.hpp"

namespace peftgrid::worker {

/// What a config.json says of rotary positions, in the form of transformers 5 ("rope_parameters") or before
/// ("rope_theta", "rope_scaling"). One that says nothing is refused: models differ, and 10,000 would be a guess.
/// `usual_share`: of a head, how much turns where nothing is said; 1 where a model knows no other.
RotaryConfig read_rotary(const ConfigReader& read, std::int64_t head_dim, double usual_share = 1);

}  // namespace peftgrid::worker
