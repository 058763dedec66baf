#include "worker/methods/parts/prefix.hpp"

namespace peftgrid::worker {

std::unique_ptr<Method> make_ptuning_v2(const MethodSetup& setup) {
  return make_prefix_of(setup, ptuning_v2_settings(setup.spec));
}

}  // namespace peftgrid::worker
