#include "worker/methods/parts/changes.hpp"

namespace peftgrid::worker {

/// IA3 (Liu et al., NeurIPS 2022): keys, values and the activations of the feed-forward part times a trained vector l
/// each. What trains and is stored is l - 1.
std::unique_ptr<Method> make_ia3(const MethodSetup& setup) {
  return make_changes(setup);
}

}  // namespace peftgrid::worker
