#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/commands/submit_options.hpp"
#include "orchestrator/journal.hpp"
#include "orchestrator/run_folder.hpp"
#include "orchestrator/schedule/fit_time.hpp"
#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "orchestrator/schedule/show_plan.hpp"
#include "orchestrator/schedule/speed.hpp"
#include "orchestrator/schedule/widths.hpp"
#include "slurm/commands.hpp"
#include "slurm/script.hpp"
#include "slurm/time_limit.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;
using worker::UsageError;

constexpr double kPredictionMargin = 1.1;

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

/// The trials that are to run, in their order, for each part that runs by itself.
std::vector<std::vector<Task>> parts_of(const Grid& grid, const SubmitOptions& o, const Speed& speed,
                                        const std::set<std::string>& finished) {
  const Plan plan =
      make_plan(grid, o.nodes * o.ranks_per_node, speed, [&](const std::string& id) { return finished.contains(id); });
  const std::int64_t shards = std::max<std::int64_t>(1, o.array);
  const std::vector<std::int64_t> shard_of = shards_of(grid, shards, "submit");
  std::vector<std::vector<Task>> parts(static_cast<std::size_t>(shards));
  for (std::size_t at = 0; at < plan.order.size(); ++at) {
    parts[static_cast<std::size_t>(shard_of[plan.order[at]])].push_back(plan.tasks[at]);
  }
  return parts;
}

/// What is predicted, and a warning with what would be right where the time is too short.
void tell_time(std::FILE* out, const SubmitOptions& o, const TimeFit& fit, std::size_t trials, const Speed& speed) {
  const std::string ranks = fmt::format("{} node{} of {} rank{}", o.nodes, o.nodes == 1 ? "" : "s", o.ranks_per_node,
                                        o.ranks_per_node == 1 ? "" : "s");
  fmt::print(out, "{} trials to run on {}{}: about {}, at {:.0f} GFLOP/s a rank, {}\n", trials,
             o.array > 0 ? fmt::format("{} times ", o.array) : "", ranks, seconds_text(fit.predicted_s),
             speed.products.gflops,
             speed.from_trials ? "as finished trials had" : "a guess until trials of this run are done");
  if (fit.fits) return;
  const auto usable_s = static_cast<double>(o.time_s - o.signal_before_s);
  const auto limit_for = [&](double seconds) {
    return slurm::time_limit_text(seconds * kPredictionMargin + static_cast<double>(o.signal_before_s));
  };
  if (fit.nodes_that_fit == 0) {
    fmt::print(out,
               "warning: the longest trial takes about {}, and a job of --time {} computes for {}: such a trial does "
               "not fit; --time {} would do for it, --time {} for all\n",
               seconds_text(fit.longest_s), o.time, seconds_text(usable_s), limit_for(fit.longest_s),
               limit_for(fit.predicted_s));
    return;
  }
  fmt::print(out,
             "warning: more than the {} that a job of --time {} computes; --time {} or --nodes {} would fit; as it is, "
             "about {:.0f} rounds, each put back in the queue by the one before\n",
             seconds_text(usable_s), o.time, limit_for(fit.predicted_s), fit.nodes_that_fit,
             std::ceil(fit.predicted_s / usable_s));
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
  for (const auto& [option, value] : o.passed_through) {
    if (!value.empty()) job.options.emplace_back(option, value);
  }
  job.prologue = o.prologue;
  job.launcher = o.launcher;
  job.time = o.time;
  job.nodes = o.nodes;
  job.ranks_per_node = o.ranks_per_node;
  job.threads = o.overrides.threads;
  job.shards = o.array;
  job.signal_before_s = o.signal_before_s;
  return job;
}

/// From now on the folder is a run's: `status` knows what is to come, the report what is missing. The journal of a run
/// belongs to whoever runs it; that of an array, whose shards have their own, to this command.
void lay_out(const RunFolder& folder, const Grid& grid, bool array) {
  make_folder(folder.trials());
  make_folder(folder.slurm());
  if (array || !fs::exists(folder.journal())) Journal(folder.journal()).append("grid", grid_event(grid));
}

/// sbatch's own complaint, or that there is none.
std::string submitted(const fs::path& script, const std::string& text, const std::string& dependency) {
  write_whole(script, text);
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

void submit(const RunFolder& folder, const slurm::BatchJob& job) {
  const bool array = job.shards > 0;
  const std::string id =
      submitted(folder.slurm() / (array ? "array.sbatch" : "grid.sbatch"), slurm::batch_script(job), "");
  fmt::print("job     {}{}\nlog     {}\n", id, array ? fmt::format(", {} tasks", job.shards) : "",
             log_of(folder, array ? "job-" + id + "_*.log" : "job-" + id + ".log"));
  if (array) {
    const std::string merge = submitted(folder.slurm() / "merge.sbatch", slurm::merge_script(job), "afterany:" + id);
    fmt::print("then    {}, which merges and reports\nlog     {}\n", merge, log_of(folder, "merge-" + merge + ".log"));
  }
  fmt::print("status  {} status {}\n", slurm::shell_word(job.program), slurm::shell_word(job.run));
}

}  // namespace

int submit_command(const Arguments& arguments) {
  const auto options = parse_submit_options(arguments);
  if (!options) return 0;
  Grid grid = load_grid(options->grid, options->overrides);
  const RunFolder folder{fs::absolute(run_folder_path(options->out, grid.run, {})).lexically_normal()};
  check_folder(folder, options->array);
  const RunState before = read_run_state(folder);
  choose_widths(grid, options->nodes * options->ranks_per_node, std::max<std::int64_t>(1, options->array),
                before.widths);
  const Speed speed = speed_of(grid, before);
  const auto parts = parts_of(grid, *options, speed, finished_trials(folder));
  std::size_t trials = 0;
  for (const auto& part : parts) trials += part.size();
  if (trials == 0) {
    fmt::print("{}: every trial is already there; nothing to submit\n", folder.root.string());
    return 0;
  }
  // With --dry-run the script alone is the output, so that it can go into a file.
  tell_time(options->dry_run ? stderr : stdout, *options,
            fit_time(parts, options->nodes, options->ranks_per_node,
                     static_cast<double>(options->time_s - options->signal_before_s)),
            trials, speed);
  const slurm::BatchJob job = batch_job(grid, *options, folder);
  if (options->dry_run) {
    fmt::print("{}", slurm::batch_script(job));
    if (job.shards > 0) fmt::print("\n# ---- merge.sbatch\n{}", slurm::merge_script(job));
    return 0;
  }
  lay_out(folder, grid, job.shards > 0);
  submit(folder, job);
  return 0;
}

}  // namespace peftgrid::orchestrator
