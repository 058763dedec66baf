#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace peftgrid::slurm {

/// A command of Slurm is not installed, or refused; says which and why.
class SlurmError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Submits a script and returns the job's number. `dependency`, as sbatch takes it, may be empty. Throws SlurmError.
std::string submit_script(const std::filesystem::path& script, const std::string& dependency);

/// Cores of a node of `partition` (empty: the default one), of its smallest; hardware threads do not count. Nothing
/// where Slurm does not answer.
std::optional<std::int64_t> cores_of_a_node(const std::string& partition);

}  // namespace peftgrid::slurm
