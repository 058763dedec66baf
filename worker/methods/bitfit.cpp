#include "worker/methods/parts/changes.hpp"

namespace peftgrid::worker {

/// BitFit (Ben Zaken et al., ACL 2022): trains the biases that the base has, as a vector added where the bias is added.
std::unique_ptr<Method> make_bitfit(const MethodSetup& setup) {
  return make_changes(setup);
}

}  // namespace peftgrid::worker
