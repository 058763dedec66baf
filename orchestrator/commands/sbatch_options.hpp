#pragma once

#include <string>
#include <utility>
#include <vector>

namespace peftgrid::orchestrator {

/// Options of sbatch's own, as `submit --sbatch` takes them: "--exclude=node7" or "--exclusive", one each. Gives name
/// and value (empty: none). Throws worker::UsageError for what is no such option, for those that the script sets
/// itself, and for those that `submit` has under the same name.
std::vector<std::pair<std::string, std::string>> parse_sbatch_options(const std::vector<std::string>& texts);

}  // namespace peftgrid::orchestrator
