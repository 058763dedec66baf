#include "worker/methods/parts/prefix.hpp"

namespace peftgrid::worker {

std::unique_ptr<Method> make_prefix(const MethodSetup& setup) {
  return make_prefix_of(setup, prefix_settings(setup.spec));
}

}  // namespace peftgrid::worker
