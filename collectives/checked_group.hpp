#pragma once

#include <memory>

#include "collectives/group.hpp"

namespace peftgrid::collectives {

/// A decorator that compares, before each call, what every rank is about to do: operation, size, root and the number of
/// the call. Unlike calls throw CommError on every rank, naming two ranks and the difference, instead of hanging.
std::unique_ptr<Group> checked(std::unique_ptr<Group> group);

}  // namespace peftgrid::collectives
