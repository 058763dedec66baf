#pragma once

#include <string>

#include "collectives/group.hpp"

namespace peftgrid::collectives {

/// CUDA devices that this process may use; 0 without a device or a driver.
int visible_cuda_devices();

/// "NVIDIA H100 80GB HBM3": the device that is current in this thread.
std::string cuda_device_name();

/// Collective. Makes one device current in this thread: the ranks of a node take its devices in turn. Where a rank sees
/// none, all throw CommError that names it.
void choose_cuda_device(Group& group, Deadline deadline);

}  // namespace peftgrid::collectives
