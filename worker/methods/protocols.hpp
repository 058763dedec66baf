#pragma once

/// Protocols whose rates the plan parts of methods know (catalogue.hpp, Protocol).
namespace peftgrid::worker {

inline constexpr const char* kUnipeltProtocol = "unipelt";

}  // namespace peftgrid::worker
