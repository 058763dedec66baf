#pragma once

#include <string>

namespace peftgrid::orchestrator {

/// The commit that this program was built from; "unknown" outside a checkout.
std::string commit();
/// What `--version` prints: program, commit, numerics version, libraries.
std::string version_text();

}  // namespace peftgrid::orchestrator
