#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peftgrid::slurm {

/// A run as a batch job. Paths are absolute; no text holds a control character.
struct BatchJob {
  std::string program;                                       // the orchestrator
  std::string run;                                           // the run folder
  std::vector<std::string> arguments;                        // of the run, without --out and --shard
  std::vector<std::string> prologue;                         // shell lines that come first, as they are
  std::vector<std::pair<std::string, std::string>> options;  // passed through: {"account", "nlp"}, {"exclusive", ""}
  std::string name;                                          // of the job
  std::string launcher = "mpirun";                           // or srun
  std::string time;                                          // as sbatch takes it
  std::int64_t nodes = 1, ranks_per_node = 1, cores_per_rank = 1;
  std::int64_t shards = 0;           // tasks of an array; 0: one allocation for the whole grid
  std::int64_t shards_at_once = 0;   // 0: as many as there is room for
  std::int64_t merge_minutes = 0;    // the time limit of what comes after an array
  std::int64_t signal_before_s = 0;  // how long before the time limit the grid is told to stop
};

/// slurm/grid.sbatch, or with shards slurm/array.sbatch, filled in: complete in itself.
std::string batch_script(const BatchJob& job);
/// slurm/merge.sbatch: what comes after an array. It takes one core of one node, and one GPU where the array's tasks
/// have GPUs: a partition may let nobody in without.
std::string merge_script(const BatchJob& job);
/// Where the job's output goes, as sbatch's --output names it; `%j`, or `%A_%a` of an array's task, stands for the job.
std::string log_pattern(const BatchJob& job);
std::string merge_log_pattern(const BatchJob& job);

/// Would the text end a line of a script, or do anything else unseen?
bool has_control_character(std::string_view text);

/// One word of a shell, whatever is in it.
std::string shell_word(const std::string& text);

}  // namespace peftgrid::slurm
