#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/trial_file.hpp"
#include "orchestrator/grid/grid.hpp"

/// Made-up trials that look like real ones, for tests of everything that comes after training.
namespace peftgrid::tests {

struct SampleOptions {
  std::vector<std::string> methods = {"full", "head", "top_layers", "lora", "bitfit", "pfeiffer", "prefix"};
  std::vector<std::string> tasks = {"sst2", "mrpc", "tickets"};
  std::vector<std::int64_t> train_sizes = {100, 500, 1000};
  std::uint64_t seeds = 3;
  std::int64_t test_rows = 600;
  std::int64_t tensor_values = 512;  // of each of a trial's two tensors
};

/// A spec with its id and cell, as a grid would make it.
worker::TrialSpec sample_spec(const std::string& method, const std::string& task, std::int64_t train_size,
                              std::uint64_t seed);
/// A finished trial of this spec whose share of right predictions is `accuracy`.
checkpoint::TrialRecord sample_record(const worker::TrialSpec& spec, double accuracy,
                                      const SampleOptions& options = {});

struct SampleRun {
  orchestrator::Grid grid;                       // cells, trials and holes as planned
  std::vector<checkpoint::TrialRecord> records;  // one a trial, in the grid's order
};
/// Every method on every task and size; scores grow with size and differ by method.
SampleRun sample_run(const SampleOptions& options = {});

/// Writes records and a journal as a run would leave them.
void write_run(const std::filesystem::path& folder, const SampleRun& run);
/// As write_run, with the troubles of real life: a hole, a failed trial, a missing one, a diverged cell, a cell that
/// predicts one class, a damaged file.
void write_troubled_run(const std::filesystem::path& folder, SampleRun run);

/// A new empty folder under the system's temporary one, removed at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::filesystem::path& file);

}  // namespace peftgrid::tests
