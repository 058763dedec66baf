#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/trial_file.hpp"

namespace peftgrid::checkpoint {

/// What a part of a trial file held.
struct TrialsRead {
  std::filesystem::path file;
  std::vector<TrialRecord> trials;      // in the order of their ids
  std::vector<std::string> unreadable;  // why the file, or a trial of it, could not be read
};

/// As bytes between processes of one program: nothing that lasts. Of a record, what a trial file holds of it.
std::string encode(const TrialsRead& read);
/// Throws FileError where the bytes end too early.
TrialsRead decode_trials_read(std::string_view bytes);

}  // namespace peftgrid::checkpoint
