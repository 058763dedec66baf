#include "worker/methods/parts/changes.hpp"

namespace peftgrid::worker {

/// Norm tuning: scales and shifts of all norms train, as changes of the pretrained ones.
std::unique_ptr<Method> make_norms(const MethodSetup& setup) {
  return make_changes(setup);
}

}  // namespace peftgrid::worker
