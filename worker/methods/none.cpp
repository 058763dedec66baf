#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// Adds nothing, and nothing trains.
std::unique_ptr<Method> make_none(const MethodSetup& /*setup*/) {
  return std::make_unique<Method>();
}

}  // namespace peftgrid::worker
