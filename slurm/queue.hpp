#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::slurm {

/// A job that squeue still tells of.
struct QueuedJob {
  std::string id;       // "12", "12_3", or "12_[4-9]" of an array's tasks
  std::string state;    // PENDING, RUNNING, SUSPENDED, COMPLETING ...
  std::string reason;   // why it is not running: "Resources"; "None"
  std::string command;  // the script that sbatch was given
};

/// Reads what `squeue --noheader --format=%i|%T|%r|%o` prints.
std::vector<QueuedJob> parse_queue(const std::string& text);

/// Writes down which jobs a run folder's last submission became. `folder` is the run folder's slurm/. False where that
/// is refused.
bool remember_jobs(const std::filesystem::path& folder, const std::vector<std::string>& ids);

/// The jobs of the last submission that are still queued or running; none where Slurm does not answer within two
/// seconds, or where jobs of another cluster have these numbers.
std::vector<QueuedJob> jobs_in_queue(const std::filesystem::path& folder);

/// "Slurm job 12 is pending: Resources"; jobs alike in one line, "Slurm jobs 12_1 and 7 more are running".
std::vector<std::string> queue_lines(const std::vector<QueuedJob>& jobs);

/// Their numbers as scancel takes them, each once, those of an array's tasks as the array's: "12 13".
std::string numbers_of(const std::vector<QueuedJob>& jobs);

}  // namespace peftgrid::slurm
