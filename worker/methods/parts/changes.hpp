#pragma once

#include <memory>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// Vectors that change what is pretrained, at the places that the plan lists:
///   PLACE.bias_change, PLACE.shift_change   added;
///   PLACE.scale_change                      at a norm times what is normalised (the norm's scale changes), elsewhere
///                                           times y itself.
/// All start at 0, so that a fresh one is the identity, and none decays: decay would pull the sum, not the change.
std::unique_ptr<Method> make_changes(const MethodSetup& setup);

}  // namespace peftgrid::worker
