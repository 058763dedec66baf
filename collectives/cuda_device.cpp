#include "collectives/cuda_device.hpp"

#include <cuda_runtime_api.h>
#include <unistd.h>

#include <map>
#include <sstream>

namespace peftgrid::collectives {

namespace {

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

/// Collective. How many ranks of this rank's node come before it.
int place_on_node(Group& group, const Deadline& deadline) {
  std::map<std::string, int> ranks_of_host;
  std::string places;
  for (const std::string& host : group.gather(host_name(), 0, deadline)) {
    places += std::to_string(ranks_of_host[host]++) + " ";
  }
  std::istringstream all(broadcast_text(group, places, 0, deadline));
  int place = 0;
  for (int rank = 0; rank <= group.rank(); ++rank) all >> place;
  return place;
}

}  // namespace

int visible_cuda_devices() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess ? devices : 0;
}

std::string cuda_device_name() {
  int device = 0;
  cudaDeviceProp properties{};
  const bool known =
      cudaGetDevice(&device) == cudaSuccess && cudaGetDeviceProperties(&properties, device) == cudaSuccess;
  return known ? properties.name : "unknown CUDA device";
}

void choose_cuda_device(Group& group, Deadline deadline) {
  const int place = place_on_node(group, deadline);
  int devices = 0;
  cudaError_t code = cudaGetDeviceCount(&devices);
  // A scheduler that shows each rank a device of its own leaves one to choose from. Two ranks that end up on one device
  // are refused by NCCL, which sees the hardware.
  if (code == cudaSuccess) code = devices > 0 ? cudaSetDevice(place % devices) : cudaErrorNoDevice;
  std::optional<std::string> trouble;
  if (code != cudaSuccess) {
    trouble = "rank " + std::to_string(group.rank()) + " on " + host_name() + " has no CUDA device that it can use (" +
              cudaGetErrorString(code) + ")";
  }
  const Verdict verdict = group.agree(trouble, deadline);
  if (!verdict.ok) throw CommError(deadline.phase() + ": " + verdict.why);
}

}  // namespace peftgrid::collectives
