#include "collectives/gang.hpp"

#include "collectives/nccl_group.hpp"

namespace peftgrid::collectives {

std::unique_ptr<Group> make_gang_group(std::unique_ptr<Group> bootstrap, Carrier carrier, Deadline deadline) {
  if (carrier == Carrier::Mpi) return bootstrap;
  return make_nccl_group(std::move(bootstrap), std::move(deadline));
}

}  // namespace peftgrid::collectives
