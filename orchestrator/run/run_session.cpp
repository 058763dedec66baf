#include "orchestrator/run/run_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/reserve.hpp"
#include "checkpoint/trial_file.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/schedule/cost.hpp"
#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "orchestrator/schedule/speed.hpp"
#include "orchestrator/schedule/widths.hpp"
#include "orchestrator/version.hpp"
#include "slurm/environment.hpp"
#include "worker/catalogue.hpp"
#include "worker/service/worker.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;

/// What shards hold would be trained again.
void refuse_sharded_folder(const RunFolder& folder) {
  const auto shards = folder.shards();
  if (shards.empty()) return;
  throw worker::UsageError(
      fmt::format("{}: holds shards, such as {}; go on with those (--shard), or name another folder with --out",
                  folder.root.string(), shards.front().root.filename().string()));
}

/// A trial file that cannot be read is no result: it is set aside, and its trial runs again. One in another layout is a
/// result, of another version of this program, and is let alone.
void set_damaged_aside(const RunFolder& folder, const std::string& id) {
  const fs::path file = folder.trial(id);
  if (!checkpoint::is_there(file)) return;
  if (const auto kind = checkpoint::not_plain(file)) {
    throw worker::UsageError(
        fmt::format("{}: is {}; a trial file would be right there: move it away", file.string(), *kind));
  }
  try {
    const checkpoint::TrialRecord record = checkpoint::read_trial(file, checkpoint::Read::WithoutTensors);
    if (record.id != id) throw checkpoint::FileError(file.string() + ": it holds trial " + record.id);
  } catch (const checkpoint::LayoutError& error) {
    throw worker::UsageError(
        fmt::format("{}; go on with the program that wrote it, or name another run folder with --out", error.what()));
  } catch (const checkpoint::UnreadError& error) {
    throw worker::UsageError(fmt::format(
        "{}; nothing is known of what it holds, so it is let alone: make it readable, or move it away", error.what()));
  } catch (const checkpoint::FileError& error) {
    fs::rename(file, file.string() + ".damaged");
    say("set aside as {}.h5.damaged, to be run again: {}\n", id, error.what());
  }
}

bool holds(const fs::path& file, const std::string& text) {
  return checkpoint::is_there(file) && !checkpoint::not_plain(file) &&
         checkpoint::read_plain(file, text.size() + 1, checkpoint::Links::Refuse) == text;
}

/// What killed ranks left behind. The folder is owned, so nobody is writing one of these.
void remove_drafts(const fs::path& folder) {
  if (!fs::is_directory(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::error_code refused;
    if (entry.path().extension() == ".draft") fs::remove(entry.path(), refused);
  }
}

}  // namespace

RunSession::RunSession(const RunOptions& options, int ranks, const SharedCores& cores) : cores_(cores) {
  const Shard shard = parse_shard(options.shard, "run");
  grid_ = load_grid(options.grid, options.overrides);
  folder_.root = fs::absolute(run_folder_path(options.out, grid_.run, shard));
  choose_widths(grid_, cores_.ranks_at_once, shard.count, read_run_state(folder_).widths);
  keep_shard(grid_, shard, "run");
  refuse_foreign_folder(folder_);
  refuse_sharded_folder(folder_);
  make_folder(folder_.trials());
  owner_ = std::make_unique<Owner>(folder_.owner());
  lay_out_folder();
  choose_trials(options, ranks);
  keep_room(ranks);
  journal_ = std::make_unique<Journal>(folder_.journal());
  announce(options, ranks);
}

void RunSession::release() {
  if (owner_ && !owner_->lost()) checkpoint::give_up_reserve(folder_.reserve());
  owner_.reset();
}

/// For two results of each rank, so that a disk that somebody else fills does not hold up what is finished.
void RunSession::keep_room(int ranks) const {
  constexpr std::int64_t kLeastBytes = 1 << 16, kMostBytes = 1 << 28;
  std::int64_t largest = 0;
  for (const Coordinator::Job& job : jobs_) {
    const worker::TrialSpec& spec = *job.spec;
    largest =
        std::max(largest, disk_bytes(spec, grid_.tasks.at(spec.task.name), grid_.backbones.at(spec.backbone.name)));
  }
  const std::int64_t wanted = std::clamp(2 * ranks * largest, kLeastBytes, kMostBytes);
  if (!jobs_.empty()) checkpoint::keep_reserve(folder_.reserve(), static_cast<std::uint64_t>(wanted));
}

void RunSession::lay_out_folder() {
  make_folder(folder_.root / "grids");
  for (const fs::path& folder :
       {folder_.root, folder_.root / "grids", folder_.report(), folder_.trials(), folder_.checkpoints()}) {
    remove_drafts(folder);
  }
  if (const auto cache = worker::cache_folder()) {
    for (const char* folder : {"tokens", "hashes"}) checkpoint::remove_dead_drafts(*cache / folder);
  }
  write_whole(folder_.root / "grid.yaml", grid_.text);
  const fs::path kept = folder_.root / "grids" / (grid_.sha256.substr(0, 16) + ".yaml");
  if (!holds(kept, grid_.text)) write_whole(kept, grid_.text);
}

void RunSession::choose_trials(const RunOptions& options, int ranks) {
  const RunState before = read_run_state(folder_);
  std::set<std::string> leave;
  for (const worker::TrialSpec& spec : grid_.trials) {
    set_damaged_aside(folder_, spec.id);
    if (fs::exists(folder_.trial(spec.id))) {
      std::error_code nothing_to_remove;
      fs::remove(folder_.checkpoints() / (spec.id + ".safetensors"), nothing_to_remove);
      already_there_.push_back(spec.id);
      leave.insert(spec.id);
    } else if (const auto failed = before.failed.find(spec.id);
               failed != before.failed.end() && !failed->second.environment && !options.retry_failed) {
      ++failed_before_;
      leave.insert(spec.id);
    }
  }
  const bool work_to_do = leave.size() < grid_.trials.size();
  worker::ProductSpeed products;
  if (work_to_do) products = worker::measured_products(in_bf16(grid_), options.overrides.device);
  const Speed speed = speed_of(grid_, before, products);
  const Plan plan =
      make_plan(grid_, cores_.ranks_at_once, speed, [&](const std::string& id) { return leave.contains(id); });
  prediction_ = {plan.run.makespan_s, plan.lower_bound_s, static_cast<std::int64_t>(plan.order.size()), ranks, 0, 0};
  std::vector<std::size_t> order = plan.order;
  if (options.order == "grid") std::sort(order.begin(), order.end());
  if (options.order == "shuffled") std::shuffle(order.begin(), order.end(), std::mt19937_64(std::random_device{}()));
  for (const std::size_t i : order) {
    const auto deaths = before.deaths.find(grid_.trials[i].id);
    jobs_.push_back({&grid_.trials[i], plan.seconds[i], deaths == before.deaths.end() ? 0 : deaths->second});
  }
}

std::size_t RunSession::without_logits() const {
  if (grid_.trials.empty() || !grid_.trials.front().logits) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(already_there_, [&](const std::string& id) {
    const checkpoint::TrialRecord there = checkpoint::read_trial(folder_.trial(id), checkpoint::Read::WithoutTensors);
    return there.state == "done" && std::ranges::none_of(there.tensors, checkpoint::is_logits);
  }));
}

void RunSession::announce(const RunOptions& options, int ranks) {
  const slurm::Environment launched = slurm::read_environment(slurm::process_variables());
  nlohmann::json start{
      {"ranks", ranks}, {"cores", cores_.cores}, {"host", host_name()}, {"pid", getpid()}, {"commit", commit()}};
  if (!launched.job.empty()) {
    start["job"] = launched.job;
    start["nodes"] = launched.nodes;
    start["node"] = launched.node;
  }
  journal_->append("start", start.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  const bool narrowed = !options.overrides.only.empty();
  journal_->append("grid", grid_event(grid_, narrowed ? read_run_state(folder_) : RunState{}));
  journal_->append("plan", nlohmann::json{{"makespan", prediction_.makespan_s},
                                          {"lower_bound", prediction_.lower_bound_s},
                                          {"trials", prediction_.trials},
                                          {"ranks", prediction_.ranks}}
                               .dump());
  if (const auto trouble = worker::trouble_with_cache(); trouble && !jobs_.empty()) {
    complain("the cache cannot be written ({}): each rank keeps tokens and converted weights to itself\n",
             worker::shown(*trouble));
  }
  if (options.quiet) return;
  const std::string there =
      already_there_.empty() ? "" : fmt::format(", {} of them already there", already_there_.size());
  const std::string about = jobs_.empty() ? "" : fmt::format(", about {}", duration_text(prediction_.makespan_s));
  say("{}: {} trials in {} cell{}{}; {} to run on {} rank{}{}\n", grid_.run, grid_.trials.size(), grid_.cells.size(),
      grid_.cells.size() == 1 ? "" : "s", there, jobs_.size(), ranks, ranks == 1 ? "" : "s", about);
  if (!launched.job.empty()) say("Slurm job {} on {}\n", launched.job, launched.nodes);
  if (jobs_.empty() && !grid_.trials.empty() && failed_before_ == 0) say("every trial is already there\n");
  if (const std::size_t bare = without_logits(); bare > 0) {
    say("note: {} of the trials there hold no logits; delete their files in {} to have them made again\n", bare,
        worker::shown(folder_.trials().string()));
  }
  if (failed_before_ > 0) {
    say("{} trials failed before and are left alone; --retry-failed runs them again\n", failed_before_);
  }
  if (options.overrides.device == "cpu" && in_bf16(grid_) && !jobs_.empty() && !worker::multiplies_bf16()) {
    say("precision bf16: this processor has no instructions for it; numbers are rounded to bf16 and multiplied in "
        "fp32, no faster than precision fp32\n");
  }
  for (const Hole& hole : grid_.holes) {
    say("left out: {} {} {}: {}\n", hole.backbone, hole.task, hole.label, hole.reason);
  }
  if (!jobs_.empty()) {
    for (const std::string& note : grid_.notes) say("note: {}\n", note);
  }
  if (options.verbose) {
    for (const std::string& warning : grid_.warnings) say("warning: {}\n", warning);
  }
  flush_output();
}

std::string RunSession::display_kind(const RunOptions& options) const {
  if (options.quiet) return "quiet";
  if (options.progress != "auto") return options.progress;
  return stdout_is_terminal() ? "live" : "plain";
}

}  // namespace peftgrid::orchestrator
