#include "orchestrator/launch/gpu_check.hpp"

#include <fmt/format.h>

#include "collectives/cuda_device.hpp"
#include "collectives/gang.hpp"
#include "worker/errors.hpp"
#include "worker/service/worker.hpp"

namespace peftgrid::orchestrator {

namespace {

/// NCCL takes seconds to begin on one node, tens of them on many.
constexpr double kTimeout_s = 120;

}  // namespace

std::optional<std::string> trouble_with_cuda(collectives::MpiSession& mpi) {
  const collectives::Deadline deadline("--device cuda", kTimeout_s);
  try {
    const auto world = mpi.group();
    collectives::choose_cuda_device(*world, deadline);
    std::optional<std::string> trouble;
    try {
      worker::open_cuda();
    } catch (const worker::UsageError& error) {
      trouble = fmt::format("rank {}: {}", mpi.rank(), error.what());
    }
    const collectives::Verdict verdict = world->agree(trouble, deadline);
    if (verdict.ok) return std::nullopt;
    return "--device cuda: " + verdict.why;
  } catch (const collectives::CommError& error) {
    return error.what();
  }
}

std::optional<std::string> trouble_with_nccl(collectives::MpiSession& mpi) {
  const collectives::Deadline deadline("--collectives nccl", kTimeout_s);
  try {
    auto world = mpi.group();
    collectives::choose_cuda_device(*world, deadline);
    const auto gang = collectives::make_gang_group(std::move(world), collectives::Carrier::Nccl, deadline);
    std::vector<float> ones{1.0F};
    gang->all_reduce(ones, deadline);
    if (ones.front() == static_cast<float>(mpi.size())) return std::nullopt;
    return fmt::format("--collectives nccl: the ones of {} ranks add up to {}", mpi.size(), ones.front());
  } catch (const collectives::CommError& error) {
    return error.what();
  }
}

}  // namespace peftgrid::orchestrator
