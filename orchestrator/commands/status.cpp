#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/plain_file.hpp"
#include "checkpoint/shallow_json.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/display/display.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/owner.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "slurm/last_round.hpp"
#include "slurm/queue.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::shown;

struct Progress {
  std::int64_t total = 0, done = 0, running = 0, cells_done = 0, damaged = 0;
  std::vector<std::pair<std::string, FailedTrial>> failed;
  std::vector<std::string> owners;  // of the run, or of its shards
  std::vector<std::string> silent;  // that may be dead
};

/// Trials handed out since the last start and neither finished nor failed.
std::int64_t count_running(const std::vector<Event>& events) {
  std::map<std::string, bool> at_work;
  for (const Event& event : events) {
    const auto body = checkpoint::parse_shallow(event.json);
    if (event.kind == "start") at_work.clear();
    if (!body.is_object() || !body.contains("id") || !body["id"].is_string()) continue;
    at_work[body["id"].get<std::string>()] = event.kind == "assigned";
  }
  return std::count_if(at_work.begin(), at_work.end(), [](const auto& entry) { return entry.second; });
}

/// Who is at work on the run, or on a shard of it.
void add_workers(const RunFolder& folder, Progress& s) {
  const JournalContents journal = read_journal(folder.journal());
  s.damaged += journal.damaged;
  const auto owner = seen_owner(folder.owner());
  if (!owner) return;
  (owner->silent ? s.silent : s.owners).push_back(owner->words);
  if (owner->silent) return;
  s.running += count_running(journal.events);
}

Progress stand(const RunFolder& folder, const RunState& state) {
  Progress s;
  add_workers(folder, s);
  for (const RunFolder& shard : folder.shards()) add_workers(shard, s);
  const std::set<std::string> finished = finished_trials(folder);
  for (const PlannedCell& cell : state.cells) {
    std::int64_t here = 0;
    for (const std::string& id : cell.trials) {
      if (finished.contains(id)) {
        ++here;
      } else if (const auto failed = state.failed.find(id); failed != state.failed.end()) {
        s.failed.emplace_back(cell.task + " " + cell.label + " " + id, failed->second);
      }
    }
    s.total += static_cast<std::int64_t>(cell.trials.size());
    s.done += here;
    s.cells_done += here == static_cast<std::int64_t>(cell.trials.size()) ? 1 : 0;
  }
  return s;
}

/// As the run itself shows it. Nothing where it is not at work.
std::optional<double> left_s(const RunState& state, const Progress& s) {
  const auto all = s.done + static_cast<std::int64_t>(s.failed.size());
  if (s.owners.empty() || all == s.total || state.end_estimate_s == 0) return std::nullopt;
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return std::max(0.0, state.end_estimate_s - now.count());
}

/// A start that died before it had written its grid down has trials to do, whatever their number.
bool begun(const RunState& state) {
  return !state.grid_sha256.empty();
}

int exit_code(const RunState& state, const Progress& s) {
  if (!begun(state)) return 4;
  if (s.done == s.total) return 0;
  return s.done + static_cast<std::int64_t>(s.failed.size()) == s.total && s.owners.empty() ? 3 : 4;
}

/// What Slurm says of the last submission, and what is noted of its last round where that is over.
void tell_slurm(const RunFolder& folder, bool idle) {
  const auto jobs = slurm::jobs_in_queue(folder.slurm());
  for (const std::string& line : slurm::queue_lines(jobs)) say("{}\n", line);
  std::vector<RunFolder> parts = folder.shards();
  parts.push_back(folder);
  for (const RunFolder& part : parts) {
    const auto round = slurm::read_last_round(part.slurm());
    const bool at_work = !idle || std::ranges::any_of(jobs, [](const auto& job) { return job.state == "RUNNING"; });
    if (!round || (round->how == "running" && at_work)) continue;
    const std::string text = slurm::round_text(*round);
    const std::string where = part.root == folder.root ? "" : part.root.filename().string() + ": ";
    if (!text.empty()) say("{}{}\n", where, text);
  }
}

/// For programs: what the lines for people say, without Slurm's.
void tell_json(const RunState& state, const Progress& s) {
  nlohmann::json failed = nlohmann::json::array();
  for (const auto& [trial, what] : s.failed) failed.push_back({{"trial", trial}, {"reason", what.reason}});
  const auto left = left_s(state, s);
  const nlohmann::json all{{"run", state.run},
                           {"begun", begun(state)},
                           {"trials", s.total},
                           {"done", s.done},
                           {"running", s.running},
                           {"failed", failed},
                           {"cells", state.cells.size()},
                           {"cells_done", s.cells_done},
                           {"left_out", state.holes.size()},
                           {"at_work", s.owners},
                           {"silent", s.silent},
                           {"lost", state.lost},
                           {"left_s", left ? nlohmann::json(*left) : nlohmann::json()},
                           {"damaged_journal_lines", s.damaged}};
  say("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void tell_person(const RunFolder& folder, const RunState& state, const Progress& s) {
  if (begun(state)) {
    say("{}: {} of {} trials done, {} running, {} failed; cells {}/{}\n", shown(state.run), s.done, s.total, s.running,
        s.failed.size(), s.cells_done, state.cells.size());
  } else {
    say("{}: no trial done; no start has come as far as writing its grid down\n", shown(folder.root.string()));
  }
  if (s.owners.empty() && s.silent.empty()) say("not running\n");
  for (const std::string& owner : s.silent) {
    say("silent: {}; where its host is dead, the same command takes the run over\n", shown(owner));
  }
  for (const std::string& owner : s.owners) say("running: {}\n", shown(owner));
  if (!state.job.empty()) say("last started as Slurm job {} on {}\n", shown(state.job), shown(state.nodes));
  if (const auto left = left_s(state, s)) say("about {} left\n", duration_text(*left));
  tell_slurm(folder, s.owners.empty() && s.silent.empty());
  for (const auto& [trial, failed] : s.failed) say("failed: {}: {}\n", shown(trial), shown(failed.reason));
  for (const std::string& loss : state.lost) say("lost in the last start: {}\n", shown(loss));
  if (!state.holes.empty()) say("{} cells are left out; the report says why\n", state.holes.size());
  if (s.damaged > 0) say("{} damaged journal lines; `orchestrator check` says more\n", s.damaged);
}

}  // namespace

int status_command(const Arguments& arguments) {
  boost::program_options::options_description options;
  options.add_options()("exit-code", boost::program_options::bool_switch(),
                        "answer by exit code: 0 all done, 3 finished with failures, 4 unfinished")(
      "json", boost::program_options::bool_switch(), "as JSON, for programs");
  const auto line = parse_line({"orchestrator status RUN [--exit-code] [--json]",
                                "what of a run is done, running, failed, and how long is left", options},
                               arguments);
  if (!line) return 0;
  if (line->paths.size() != 1) throw worker::UsageError("status: name one run folder");
  const RunFolder folder{line->paths.front()};
  if (!checkpoint::is_there(folder.journal())) {
    throw worker::UsageError(folder.root.string() + ": no run folder (it has no journal)");
  }
  const RunState state = read_run_state(folder);
  const Progress s = stand(folder, state);
  line->values["json"].as<bool>() ? tell_json(state, s) : tell_person(folder, state, s);
  return line->values["exit-code"].as<bool>() ? exit_code(state, s) : 0;
}

}  // namespace peftgrid::orchestrator
