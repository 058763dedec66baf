#pragma once

#include "collectives/group.hpp"

namespace peftgrid::collectives {

/// CUDA devices that this process may use; 0 without a device or a driver.
int visible_cuda_devices();

/// Collective. Makes one device current in this thread: the ranks of a node take its devices in turn. Where a rank sees
/// none, all throw CommError that names it.
void choose_cuda_device(Group& group, Deadline deadline);

}  // namespace peftgrid::collectives
