#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// Adds nothing; every trial has a head of its own.
std::unique_ptr<Method> make_head(const MethodSetup& /*setup*/) {
  return std::make_unique<Method>();
}

}  // namespace peftgrid::worker
