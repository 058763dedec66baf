#include "tests/support/nccl_ranks.hpp"

#include "collectives/cuda_device.hpp"
#include "tests/support/group_promises.hpp"
#include "tests/support/rank_main.hpp"

namespace peftgrid::tests {

std::unique_ptr<collectives::NcclGroup> nccl_group() {
  auto bootstrap = session().group();
  collectives::choose_cuda_device(*bootstrap, soon("choosing a device"));
  return collectives::make_nccl_group(std::move(bootstrap), soon("making a group"));
}

}  // namespace peftgrid::tests
