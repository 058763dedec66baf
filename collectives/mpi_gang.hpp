#pragma once

#include <mpi.h>

#include <memory>
#include <vector>

#include "collectives/group.hpp"

/// Inside collectives/: the other folders make gangs by MpiSession::gangs.
namespace peftgrid::collectives {

/// Throws CommError with MPI's own words for anything but MPI_SUCCESS.
void check_mpi(int code, const char* call);

/// A group of the ranks `members` of `communicator`, this one among them. Letters from rank to rank carry all of it, so
/// that making one needs nobody else, and a wait that a peer's death has made endless can be left: what is under way
/// then keeps its memory. `tag` is this gang's alone.
std::unique_ptr<Group> make_mpi_gang(MPI_Comm communicator, std::vector<int> members, int tag);

}  // namespace peftgrid::collectives
