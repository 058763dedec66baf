#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/trial_file.hpp"

/// A trial as the tables of docs/trial_file.md, without HDF5: records are turned into tables here and back.
namespace peftgrid::checkpoint {

/// A dataset of a trial's group.
struct TrialTable {
  std::string name;
  std::vector<std::size_t> widths;  // bytes of what varies in its row: texts; of predictions, each value's
  std::optional<std::size_t> rows;  // none: one row without a dimension
  std::string packed;               // packed.hpp
};

inline constexpr std::size_t kMostDimensions = 4, kHashBytes = 64;

/// Columns of `record`: these three lists one after the other, with `content_sha256` between numbers and texts. Names
/// reach the disk: a change of any raises kLayoutVersion.
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

/// Letters, digits, '_', '-', '.', at most 64 of them and no dot first: what a trial or a test set may be called in a
/// file.
bool plain_name(const std::string& name);

/// SHA-256 over every field but the tensors' values, which have hashes of their own.
std::string content_sha256(const TrialRecord& record);

/// Everything of a record but its id, in the order in which it is written. Throws FileError where it cannot be kept.
std::vector<TrialTable> tables_of(const TrialRecord& record);

/// The record in those tables, whose rows are as wide as their `widths` say. Checks all that they say of each other and
/// every hash; without tensors, `tensor_values` is not looked at and need not be there; to copy, its content need not.
/// Throws FileError.
TrialRecord record_of(const std::string& id, const std::vector<TrialTable>& tables, Read how);

}  // namespace peftgrid::checkpoint
