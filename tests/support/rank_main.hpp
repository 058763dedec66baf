#pragma once

#include "collectives/mpi_group.hpp"

namespace peftgrid::tests {

/// MPI of this process, for tests that link rank_main.cpp.
collectives::MpiSession& session();

}  // namespace peftgrid::tests
