#include "worker/methods/parts/feed_forward_adapter.hpp"

namespace peftgrid::worker {

/// Pfeiffer's adapter (AdapterFusion, EACL 2021; library adapters: SeqBnConfig).
std::unique_ptr<Method> make_pfeiffer(const MethodSetup& setup) {
  return make_serial_adapter(setup, activation_of(setup));
}

}  // namespace peftgrid::worker
