#pragma once

#include <filesystem>
#include <string>

namespace peftgrid::slurm {

/// Submits a script and returns the job's number. `dependency`, as sbatch takes it, may be empty. Throws SlurmError.
std::string submit_script(const std::filesystem::path& script, const std::string& dependency);

}  // namespace peftgrid::slurm
