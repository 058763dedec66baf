#pragma once

#include <string>

namespace peftgrid::standin {

/// Starts a thread that brings the ranks of one communicator together and sums for them, in rank order; in the process
/// that makes the id. Returns the abstract name of its socket, or nothing.
std::string start_hub();

}  // namespace peftgrid::standin
