#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace peftgrid::checkpoint {

/// A trained tensor as kept. `values` is empty where only the hash is kept (docs/grid_file.md, `keep`).
struct KeptTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  std::string sha256;  // of the values' bytes, little-endian fp32
};

/// Kept logits of a test set, [rows, outputs], are called so and after the set; no trained tensor is.
inline constexpr const char* kLogitsPrefix = "logits.";
bool is_logits(const KeptTensor& tensor);

/// One point of the learning curve.
struct CurvePoint {
  std::int64_t step = 0;
  double epoch = 0;
  double train_loss = 0;       // mean since the point before
  double selection_score = 0;  // NaN where nothing selects
};

/// Predictions on one test set, one entry a row in the file's order. Classes by index; regression by value.
struct TestResult {
  std::string name;                                     // "test", "matched", "mismatched"
  std::vector<std::pair<std::string, double>> metrics;  // NaN: undefined
  std::vector<double> labels, predictions;
};

/// Everything a finished trial leaves behind. Layout on disk: docs/trial_file.md.
struct TrialRecord {
  std::string id;
  std::string state;        // done | diverged
  std::string reason;       // why it diverged
  std::string spec;         // JSON, as worker/trial.hpp writes it
  std::string environment;  // JSON: versions, host, rank, cpu, commit, ranks, cores, time of publication
  std::vector<TestResult> tests;
  std::vector<CurvePoint> curve;
  std::vector<std::string> warnings;  // "class 3 has no training row"
  std::vector<KeptTensor> tensors;
  std::int64_t best_step = 0, steps = 0;
  std::int64_t trained_parameters = 0, head_parameters = 0;  // without head; the head's
  std::int64_t stored_bytes = 0;                             // of the kept tensors
  std::int64_t training_tokens = 0, truncated_rows = 0;
  double training_s = 0, evaluation_s = 0, total_s = 0, cpu_s = 0;
  double inference_rows_per_s = 0;
  std::int64_t peak_memory_bytes = 0;
  // Not stored but in the environment:
  std::int64_t resumed_step = 0;  // the step from which this start went on
  double rank_s = 0;              // total_s times the ranks that trained it together, over all starts
};

/// The hash that a KeptTensor carries of its values.
std::string sha256_of_values(const std::vector<float>& values);

/// Writes the record to `draft`, which must not exist, and closes it. Throws FileError, and leaves no draft then.
void write_trial(const std::filesystem::path& draft, const TrialRecord& record);
/// The record as a trial file's bytes.
std::string trial_bytes(const TrialRecord& record);

/// The record as a trial file of that name, published in one step (publish.hpp): false when there is one already. May
/// be tried again after a FileError. Values above kInMemory are written by HDF5 itself, without copies of them.
bool publish_trial(const std::filesystem::path& file, const TrialRecord& record);
inline constexpr std::size_t kInMemory = std::size_t{32} << 20U;

/// How much of a record to read: reports of thousands of trials skip the tensors, and keep names, shapes and hashes.
/// To copy a trial, the place, type and number of the values are checked as well.
enum class Read { Everything, WithoutTensors, ToCopy };
/// Reads and checks a trial file, which is a plain one and no link; sizes are checked before memory is taken. Throws
/// FileError naming file and place; of a file in another layout LayoutError, of one that is not there, no plain file,
/// locked or cannot be read UnreadError.
TrialRecord read_trial(const std::filesystem::path& file, Read how = Read::Everything);
/// The same for one trial of a merged file, which a link may lead to.
TrialRecord read_trial(const std::filesystem::path& file, const std::string& id, Read how);

/// "1.10.8".
std::string hdf5_version();

}  // namespace peftgrid::checkpoint
