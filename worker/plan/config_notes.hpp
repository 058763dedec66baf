#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// What a config.json says beside the model itself.
struct ConfigNotes {
  std::vector<std::string> notes;   // keys that would change numbers in transformers, and are not obeyed here
  std::vector<std::string> labels;  // the classes of its own head, in the order of its outputs; empty: none are named
};

/// Throws UsageError where the file cannot be read.
ConfigNotes config_notes(const std::filesystem::path& folder);

}  // namespace peftgrid::worker
