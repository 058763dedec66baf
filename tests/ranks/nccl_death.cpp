// A rank of a gang that goes on summing until it is told of trouble: what tests/ranks/nccl_death.py starts and kills.
// Use, under mpirun --enable-recovery: nccl_death FOLDER, where each rank that is told writes a file: seconds that its
// last call took, and the error.
#include <chrono>
#include <filesystem>
#include <fstream>

#include "collectives/cuda_device.hpp"
#include "collectives/mpi_group.hpp"
#include "collectives/nccl_group.hpp"

int main(int, char** values) {
  using namespace peftgrid::collectives;
  MpiSession mpi;
  auto bootstrap = mpi.group();
  choose_cuda_device(*bootstrap, {"choosing a device", 20});
  const auto gang = make_nccl_group(std::move(bootstrap), {"making a gang", 20});
  std::vector<float> gradients(1003, 1.0F);
  while (true) {
    const auto begin = std::chrono::steady_clock::now();
    try {
      gang->all_reduce(gradients, {"gradients", 1.2});
    } catch (const CommError& error) {
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      std::ofstream(std::filesystem::path(values[1]) / std::to_string(mpi.rank())) << seconds << ' ' << error.what();
      break;
    }
  }
  mpi.leave(0);  // with a dead peer MPI_Finalize may hang
}
