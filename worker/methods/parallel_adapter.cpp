#include "worker/methods/parts/feed_forward_adapter.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

/// The parallel adapter (He et al., "Towards a unified view of parameter-efficient transfer learning", ICLR 2022;
/// library adapters: ParBnConfig).
std::unique_ptr<Method> make_parallel_adapter(const MethodSetup& setup) {
  return make_parallel_adapter(setup, activation_of(setup), real_option(setup.spec, "scale"));
}

}  // namespace peftgrid::worker
