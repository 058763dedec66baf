#pragma once

#include <optional>
#include <string>

#include "collectives/mpi_group.hpp"

namespace peftgrid::orchestrator {

/// Collective. One sum over all ranks by NCCL, so that a grid learns before its first trial, not at the first that
/// several ranks share, whether it is to be had. Returns what is wrong, the same on all ranks, within two minutes.
std::optional<std::string> trouble_with_nccl(collectives::MpiSession& mpi);

}  // namespace peftgrid::orchestrator
