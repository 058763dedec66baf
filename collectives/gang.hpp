#pragma once

#include <memory>

#include "collectives/group.hpp"

namespace peftgrid::collectives {

/// What carries the gradients of a trial that several ranks share.
enum class Carrier { Mpi, Nccl };

/// Collective over `bootstrap`: the ranks of a gang, connected by MPI (or threads). Returns the group over which they
/// train: NCCL's takes the device that is current in this thread. Throws CommError on all ranks, or on none.
std::unique_ptr<Group> make_gang_group(std::unique_ptr<Group> bootstrap, Carrier carrier, Deadline deadline);

}  // namespace peftgrid::collectives
