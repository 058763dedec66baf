#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/h5.hpp"
#include "checkpoint/trial_file.hpp"

/// How a trial lies in an HDF5 file, described for users in docs/trial_file.md. Names here reach the disk: a change of
/// any raises kLayoutVersion. Callers hold h5::lock().
namespace peftgrid::checkpoint {

inline constexpr std::int64_t kLayoutVersion = 2;
inline constexpr const char* kLayoutAttribute = "peftgrid_layout";
inline constexpr const char* kTrialsGroup = "trials";
inline constexpr std::size_t kMostDimensions = 4, kHashBytes = 64;

struct IntegerField {
  const char* name;
  std::int64_t TrialRecord::*member;
};
inline constexpr std::array kIntegerFields = {
    IntegerField{"best_step", &TrialRecord::best_step},
    IntegerField{"steps", &TrialRecord::steps},
    IntegerField{"trained_parameters", &TrialRecord::trained_parameters},
    IntegerField{"head_parameters", &TrialRecord::head_parameters},
    IntegerField{"stored_bytes", &TrialRecord::stored_bytes},
    IntegerField{"training_tokens", &TrialRecord::training_tokens},
    IntegerField{"truncated_rows", &TrialRecord::truncated_rows},
    IntegerField{"peak_memory_bytes", &TrialRecord::peak_memory_bytes},
};

struct RealField {
  const char* name;
  double TrialRecord::*member;
};
inline constexpr std::array kRealFields = {
    RealField{"training_s", &TrialRecord::training_s},
    RealField{"evaluation_s", &TrialRecord::evaluation_s},
    RealField{"total_s", &TrialRecord::total_s},
    RealField{"cpu_s", &TrialRecord::cpu_s},
    RealField{"inference_rows_per_s", &TrialRecord::inference_rows_per_s},
};

struct TextField {
  const char* name;
  std::string TrialRecord::*member;
};
inline constexpr std::array kTextFields = {
    TextField{"state", &TrialRecord::state},
    TextField{"reason", &TrialRecord::reason},
    TextField{"spec", &TrialRecord::spec},
    TextField{"environment", &TrialRecord::environment},
};
using TextWidths = std::array<std::size_t, kTextFields.size()>;

/// Columns of the tables, in the order in which Pack and Unpack meet them. Texts are as wide as the longest of them.
/// `record`: one row; the fields above, with `content_sha256` between the numbers and the texts.
h5::Type record_type(const TextWidths& text_bytes);
/// One row an evaluation.
h5::Type curve_type();
/// One row a metric: of which test set, and which rows of `predictions` are that set's.
h5::Type metric_type(std::size_t test_bytes, std::size_t name_bytes);
/// One row a test row: its label and what was predicted, both bytes or both real numbers.
h5::Type prediction_type(bool bytes);
/// One row a tensor, and which of `tensor_values` are its own; a count of 0: only the hash is kept.
h5::Type tensor_type(std::size_t name_bytes);

/// Letters, digits, '_', '-', '.', at most 64 of them and no dot first: what a trial or a test set may be called in a
/// file.
bool plain_name(const std::string& name);

/// SHA-256 over every field but the tensors' values, which have hashes of their own.
std::string content_sha256(const TrialRecord& record);

/// A new file's group of trials, marked with the layout's version.
h5::Group create_trials(hid_t file);
/// Throws FileError when the file is not one of ours, LayoutError when it is of another layout.
h5::Group open_trials(hid_t file);

TrialRecord read_trial_group(hid_t trials, const std::string& id, Read how);

}  // namespace peftgrid::checkpoint
