#pragma once

#include <memory>

#include "collectives/nccl_group.hpp"

namespace peftgrid::tests {

/// Collective. A group of all ranks of this process's MPI job over NCCL, each on a device of its own.
std::unique_ptr<collectives::NcclGroup> nccl_group();

}  // namespace peftgrid::tests
