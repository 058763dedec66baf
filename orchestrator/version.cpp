#include "orchestrator/version.hpp"

#include <fmt/format.h>

#include "collectives/mpi_group.hpp"
#include "worker/service/worker.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

std::string commit() {
  return PEFTGRID_COMMIT;
}

std::string version_text() {
  return fmt::format("orchestrator {}, numerics {}\nLibTorch {}, {}", commit(), worker::kNumericsVersion,
                     worker::torch_version(), collectives::MpiSession::library_version());
}

}  // namespace peftgrid::orchestrator
