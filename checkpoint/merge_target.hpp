#pragma once

#include <filesystem>
#include <vector>

#include "checkpoint/merge.hpp"
#include "checkpoint/trial_reader.hpp"

namespace peftgrid::checkpoint {

/// Throws FileError unless a merged file may be written there: where nothing is, or, when it may be replaced, over an
/// earlier merged file that is not among `parts`. Never in trials/ of a run. The caller holds h5::lock().
void expect_target(const std::filesystem::path& out, Earlier earlier, const std::vector<Part>& parts);

}  // namespace peftgrid::checkpoint
