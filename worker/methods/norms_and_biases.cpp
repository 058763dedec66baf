#include "worker/methods/parts/changes.hpp"

namespace peftgrid::worker {

/// BitFit's biases and the norms' scales, as T-Few's comparison trains them.
std::unique_ptr<Method> make_norms_and_biases(const MethodSetup& setup) {
  return make_changes(setup);
}

}  // namespace peftgrid::worker
