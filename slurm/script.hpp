#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peftgrid::slurm {

/// A run as a batch job. Paths are absolute; no text holds a line break.
struct BatchJob {
  std::string program;                                       // the orchestrator
  std::string run;                                           // the run folder
  std::vector<std::string> arguments;                        // of the run, without --out and --shard
  std::vector<std::string> prologue;                         // shell lines that come first, as they are
  std::vector<std::pair<std::string, std::string>> options;  // passed through to sbatch: {"account", "nlp"}
  std::string name;                                          // of the job
  std::string launcher = "mpirun";                           // or srun
  std::string time;                                          // as sbatch takes it
  std::int64_t nodes = 1, ranks_per_node = 1, threads = 1;
  std::int64_t shards = 0;           // tasks of an array; 0: one allocation for the whole grid
  std::int64_t signal_before_s = 0;  // how long before the time limit the grid is told to stop
};

/// slurm/grid.sbatch, or with shards slurm/array.sbatch, filled in: complete in itself.
std::string batch_script(const BatchJob& job);
/// slurm/merge.sbatch: what comes after an array. It takes one core of one node.
std::string merge_script(const BatchJob& job);
/// Where the job's output goes, as sbatch's --output names it; `%j`, or `%A_%a` of an array's task, stands for the job.
std::string log_pattern(const BatchJob& job);
std::string merge_log_pattern(const BatchJob& job);

/// One word of a shell, whatever is in it.
std::string shell_word(const std::string& text);

}  // namespace peftgrid::slurm
