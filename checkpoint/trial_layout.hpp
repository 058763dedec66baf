#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/h5.hpp"
#include "checkpoint/trial_tables.hpp"

/// How a trial's tables lie in an HDF5 file, described for users in docs/trial_file.md. Callers hold h5::lock().
namespace peftgrid::checkpoint {

inline constexpr std::int64_t kLayoutVersion = 2;

/// A new file's group of trials, marked with the layout's version.
h5::Group create_trials(hid_t file);
/// Throws FileError when the file is not one of ours, LayoutError when it is of another layout.
h5::Group open_trials(hid_t file);

/// As a new group of that name.
void write_tables(hid_t trials, const std::string& id, const std::vector<TrialTable>& tables);

/// The tables of that trial, of exactly the types that this program writes, and nothing beside them; `tensor_values`
/// only with everything, to copy without its content. Throws FileError.
std::vector<TrialTable> read_tables(hid_t trials, const std::string& id, Read how);

/// The record in those tables. Throws FileError naming the trial.
TrialRecord read_trial_group(hid_t trials, const std::string& id, Read how);

}  // namespace peftgrid::checkpoint
