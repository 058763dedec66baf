#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/commands/submit_options.hpp"
#include "orchestrator/commands/submit_remarks.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "orchestrator/schedule/cost.hpp"
#include "orchestrator/schedule/fit_time.hpp"
#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "orchestrator/schedule/speed.hpp"
#include "orchestrator/schedule/widths.hpp"
#include "slurm/queue.hpp"
#include "slurm/sbatch.hpp"
#include "slurm/script.hpp"
#include "slurm/subprocess.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;
using worker::UsageError;

constexpr std::int64_t kMergeMinutes = 10, kTrialsPerMergeMinute = 100, kBytesPerMergeMinute = 1'000'000'000;

/// The folder of a run without shards goes on without, that of an array with the same number of them: whatever else
/// would train finished trials again.
void check_folder(const RunFolder& folder, std::int64_t array) {
  refuse_foreign_folder(folder);
  const auto shards = folder.shards();
  for (const RunFolder& shard : shards) {
    const std::string name = shard.root.filename();
    const std::string count = name.substr(name.rfind('-') + 1);
    if (count == std::to_string(array)) continue;
    throw UsageError(fmt::format("{}: holds {}; --array {} goes on with it, or name another folder with --out",
                                 folder.root.string(), name, count));
  }
  std::error_code error;
  if (array > 0 && fs::is_directory(folder.trials(), error) && !fs::is_empty(folder.trials(), error)) {
    throw UsageError(
        fmt::format("{}: holds trials of a run without shards; leave --array out to go on with it, or name "
                    "another folder with --out",
                    folder.root.string()));
  }
}

/// Trials that a job would leave alone, and how many of them because they failed.
struct Leave {
  std::set<std::string> ids;
  std::int64_t failed = 0;
};

Leave trials_to_leave(const Grid& grid, const RunFolder& folder, const RunState& before, bool retry_failed) {
  Leave leave{finished_trials(folder), 0};
  if (retry_failed) return leave;
  for (const worker::TrialSpec& spec : grid.trials) {
    const auto failed = before.failed.find(spec.id);
    if (failed != before.failed.end() && !failed->second.environment && leave.ids.insert(spec.id).second)
      ++leave.failed;
  }
  return leave;
}

/// The exit code, as that of a run that has nothing left to do.
int tell_nothing_to_do(const RunFolder& folder, std::int64_t failed) {
  if (failed == 0) {
    say("{}: every trial is already there; nothing to submit\n", folder.root.string());
    return 0;
  }
  say("{}: {} trials failed before and are left alone, all others are there; nothing to submit, unless "
      "--retry-failed is to run them again\n",
      folder.root.string(), failed);
  return 3;
}

/// The trials that are to run, in their order, for each part that runs by itself.
std::vector<std::vector<Job>> parts_of(const Grid& grid, const SubmitOptions& o, const Speed& speed,
                                       const std::set<std::string>& leave) {
  const Plan plan =
      make_plan(grid, o.nodes * o.ranks_per_node, speed, [&](const std::string& id) { return leave.contains(id); });
  const std::int64_t shards = std::max<std::int64_t>(1, o.array);
  const std::vector<std::int64_t> shard_of = shards_of(grid, shards, "submit");
  std::vector<std::vector<Job>> parts(static_cast<std::size_t>(shards));
  for (std::size_t at = 0; at < plan.order.size(); ++at) {
    parts[static_cast<std::size_t>(shard_of[plan.order[at]])].push_back(plan.jobs[at]);
  }
  return parts;
}

/// Far more than a merge takes on a good disk, by what it has to read and write.
std::int64_t merge_minutes(const Grid& grid) {
  std::int64_t bytes = 0;
  for (const worker::TrialSpec& spec : grid.trials) {
    bytes += disk_bytes(spec, grid.tasks.at(spec.task.name), grid.backbones.at(spec.backbone.name));
  }
  return kMergeMinutes + static_cast<std::int64_t>(grid.trials.size()) / kTrialsPerMergeMinute +
         bytes / kBytesPerMergeMinute;
}

slurm::BatchJob batch_job(const Grid& grid, const SubmitOptions& o, const RunFolder& folder) {
  slurm::BatchJob job;
  job.program = fs::read_symlink("/proc/self/exe").string();
  job.run = folder.root.string();
  job.name = grid.run;
  job.arguments = {"--grid", fs::absolute(o.grid).lexically_normal().string()};
  for (const std::string& text : o.overrides.set) job.arguments.insert(job.arguments.end(), {"--set", text});
  for (const std::string& text : o.overrides.only) job.arguments.insert(job.arguments.end(), {"--only", text});
  if (o.overrides.device != "cpu") job.arguments.insert(job.arguments.end(), {"--device", o.overrides.device});
  if (o.overrides.threads != 1) {
    job.arguments.insert(job.arguments.end(), {"--threads", std::to_string(o.overrides.threads)});
  }
  if (o.retry_failed) job.arguments.push_back("--retry-failed");
  job.options = o.for_sbatch;
  job.prologue = o.prologue;
  job.launcher = o.launcher;
  job.time = o.time;
  job.nodes = o.nodes;
  job.ranks_per_node = o.ranks_per_node;
  job.cores_per_rank = o.cores_per_rank;
  job.shards = o.array;
  job.shards_at_once = o.array_at_once;
  job.merge_minutes = std::min(merge_minutes(grid), std::max<std::int64_t>(1, o.most_s / 60));
  job.signal_before_s = o.signal_before_s;
  return job;
}

/// Slurm and bash read lines. A backslash keeps Slurm from putting the job's number into the log's name.
void check_paths(const slurm::BatchJob& job) {
  const auto check = [](const char* what, const std::string& text) {
    if (!slurm::has_control_character(text)) return;
    throw UsageError(fmt::format("submit: {} {} has a line break or another control character; rename it", what,
                                 worker::in_quotes(text)));
  };
  check("the program's path", job.program);
  check("the run folder", job.run);
  check("the run's name", job.name);
  for (const std::string& word : job.arguments) check("the grid's path", word);
  if (job.run.find('\\') == std::string::npos) return;
  throw UsageError(fmt::format(
      "submit: the run folder {} has a backslash, with which Slurm finds no place for its log; name another with --out",
      worker::in_quotes(job.run)));
}

/// Two jobs in one folder would only get in each other's way.
void refuse_queued(const RunFolder& folder) {
  const auto jobs = slurm::jobs_in_queue(folder.slurm());
  if (jobs.empty()) return;
  throw UsageError(fmt::format("{}: {}; wait for it to end, or take it back with scancel {}", folder.root.string(),
                               slurm::queue_lines(jobs).front(), slurm::numbers_of(jobs)));
}

/// From now on the folder is a run's: `status` knows what is to come, the report what is missing. The journal of a run
/// belongs to whoever runs it; that of an array, whose shards have their own, to this command.
void lay_out(const RunFolder& folder, const Grid& grid, bool array) {
  make_folder(folder.trials());
  make_folder(folder.slurm());
  if (array || !fs::exists(folder.journal())) Journal(folder.journal()).append("grid", grid_event(grid));
}

/// The job's number. What sbatch is to read was read back: a disk that is full may say so late, or never.
std::string submitted(const fs::path& script, const std::string& text, const std::string& dependency) {
  write_whole(script, text);
  std::ifstream in(script, std::ios::binary);
  if (std::string(std::istreambuf_iterator<char>(in), {}) != text) {
    throw checkpoint::FileError(
        fmt::format("{}: was written, but reads otherwise; nothing was submitted", script.string()));
  }
  try {
    return slurm::submit_script(script, dependency);
  } catch (const slurm::SlurmError& error) {
    throw UsageError(fmt::format("submit: {}; the script is kept as {}", error.what(), script.string()));
  }
}

/// The log of a job, which sbatch names by a pattern.
std::string log_of(const RunFolder& folder, const std::string& name) {
  return (folder.slurm() / name).string();
}

/// For `status`, and for who submits again. The jobs are in the queue by now, so that trouble is said, no more.
void remember(const RunFolder& folder, const std::vector<std::string>& jobs) {
  if (slurm::remember_jobs(folder.slurm(), jobs)) return;
  say("warning: {} does not take the job's number; status will not ask for it\n", folder.slurm().string());
}

void submit(const RunFolder& folder, const slurm::BatchJob& job) {
  const bool array = job.shards > 0;
  const std::string id =
      submitted(folder.slurm() / (array ? "array.sbatch" : "grid.sbatch"), slurm::batch_script(job), "");
  remember(folder, {id});
  say("job     {}{}\nlog     {}\n", id, array ? fmt::format(", {} tasks", job.shards) : "",
      log_of(folder, array ? "job-" + id + "_*.log" : "job-" + id + ".log"));
  if (array) {
    const std::string merge = submitted(folder.slurm() / "merge.sbatch", slurm::merge_script(job), "afterany:" + id);
    remember(folder, {id, merge});
    say("then    {}, which merges and reports\nlog     {}\n", merge, log_of(folder, "merge-" + merge + ".log"));
  }
  say("status  {} status {}\n", slurm::shell_word(job.program), slurm::shell_word(job.run));
}

}  // namespace

int submit_command(const Arguments& arguments) {
  const auto options = parse_submit_options(arguments);
  if (!options) return 0;
  Grid grid = load_grid(options->grid, options->overrides);
  const RunFolder folder{fs::absolute(run_folder_path(options->out, grid.run, {})).lexically_normal()};
  check_folder(folder, options->array);
  if (!options->dry_run) refuse_queued(folder);
  const RunState before = read_run_state(folder);
  choose_widths(grid, options->nodes * options->ranks_per_node, std::max<std::int64_t>(1, options->array),
                before.widths);
  const Speed speed = speed_of(grid, before);
  const Leave leave = trials_to_leave(grid, folder, before, options->retry_failed);
  const auto parts = parts_of(grid, *options, speed, leave.ids);
  std::size_t trials = 0;
  for (const auto& part : parts) trials += part.size();
  if (trials == 0) return tell_nothing_to_do(folder, leave.failed);
  // With --dry-run the script alone is the output, so that it can go into a file.
  const Tell tell = options->dry_run ? print_error : print_out;
  tell_time(tell, *options,
            fit_time(parts, options->nodes, options->ranks_per_node,
                     static_cast<double>(options->time_s - options->signal_before_s)),
            trials, speed);
  tell_waste(tell, *options, parts);
  const slurm::BatchJob job = batch_job(grid, *options, folder);
  check_paths(job);
  if (options->dry_run) {
    say("{}", slurm::batch_script(job));
    if (job.shards > 0) say("\n# ---- merge.sbatch\n{}", slurm::merge_script(job));
    return 0;
  }
  lay_out(folder, grid, job.shards > 0);
  submit(folder, job);
  return 0;
}

}  // namespace peftgrid::orchestrator
