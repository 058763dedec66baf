#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::slurm {

using Variables = std::map<std::string, std::string>;

/// What allocation and launcher say of this process. Outside of Slurm, and without a launcher, fields are empty.
struct Environment {
  std::string job;                // its number; of an array's task "12_3"
  std::string nodes;              // all of the job, as Slurm writes them: "node[1-4]"
  std::string node;               // the one that this process runs on
  std::optional<int> local_rank;  // among the ranks of this node, from 0
  std::vector<std::string> gpus;  // visible to this process, as CUDA_VISIBLE_DEVICES names them
};

Environment read_environment(const Variables& variables);

/// The environment variables of this process.
Variables process_variables();

/// The GPU that this rank is to use, one a rank by node-local rank, ranks beyond the last GPU in turn from the first.
/// Nothing without GPUs or launcher.
std::optional<std::string> gpu_of_rank(const Environment& environment);

}  // namespace peftgrid::slurm
