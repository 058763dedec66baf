#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// Trials as they are frozen in frozen.json.
namespace peftgrid::tests {

struct FrozenTrial {
  /// What holds on any machine: id, steps, labels, curve, predictions, and of each tensor name, shape and projections.
  nlohmann::json values;
  /// What holds on one type of machine: hashes of curve, predictions and each tensor's bytes.
  nlohmann::json hashes;
};

struct FrozenRun {
  std::map<std::string, FrozenTrial> trials;  // by "GRID/BACKBONE/METHOD"
  /// The processor, LibTorch, compiler and build type: where all of them are equal, so are the bytes.
  std::string machine;
};

/// Runs the program over `folder`/GRID.yaml for each of the grids and reads what it leaves. `launcher` stands in front
/// of the command: empty, or an mpirun. Throws std::runtime_error with the program's output where a run fails.
FrozenRun run_frozen(const std::filesystem::path& program, const std::string& launcher,
                     const std::filesystem::path& folder, const std::vector<std::string>& grids);

/// Where `seen` is another value than `frozen`: "PLACE: 0.25 was 0.5"; real numbers may differ by tolerance × (1 +
/// size).
std::vector<std::string> differences(const nlohmann::json& frozen, const nlohmann::json& seen, double tolerance);
/// Of a trial's `values`. In bf16 a sum that is rounded to the neighbouring number differs by 1/256.
double tolerance_of(const nlohmann::json& values);

/// A folder that goes with its owner.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace peftgrid::tests
