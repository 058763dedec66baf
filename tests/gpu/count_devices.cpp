// Prints how many CUDA devices this machine shows.
#include <iostream>

#include "collectives/cuda_device.hpp"

int main() {
  std::cout << peftgrid::collectives::visible_cuda_devices() << '\n';
}
