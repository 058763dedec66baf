#pragma once

#include <optional>
#include <string>

#include "collectives/mpi_group.hpp"

/// What a run needs of GPUs is tried before its grid is read. All of this is collective and returns what is wrong, the
/// same on all ranks, within two minutes; nothing where all is well.
namespace peftgrid::orchestrator {

/// `--device cuda`: a device for each rank, and the part of LibTorch that computes on it.
std::optional<std::string> trouble_with_cuda(collectives::MpiSession& mpi);

/// `--collectives nccl`: one sum over all ranks, so that a grid learns before its first trial, not at the first that
/// several ranks share, whether NCCL is to be had.
std::optional<std::string> trouble_with_nccl(collectives::MpiSession& mpi);

}  // namespace peftgrid::orchestrator
