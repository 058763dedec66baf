#include "orchestrator/run/run_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/shallow_json.hpp"
#include "checkpoint/trial_file.hpp"
#include "orchestrator/run/journal.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;
using checkpoint::whole_number;
using nlohmann::json;

std::vector<std::uint64_t> seeds_of(const json& list) {
  std::vector<std::uint64_t> seeds;
  for (const json& seed : list) {
    if (!seed.is_number_unsigned()) throw std::invalid_argument("a seed is a whole number from 0 on");
    seeds.push_back(seed.get<std::uint64_t>());
  }
  return seeds;
}

void read_grid(const json& grid, RunState& state) {
  state.run = grid.at("run");
  state.grid_sha256 = grid.at("sha256");
  state.cells.clear();
  state.holes.clear();
  state.compare = grid.value("compare", std::vector<std::string>());
  state.margin = grid.value("margin", kDefaultMargin);
  state.task_margins = grid.value("task_margins", std::map<std::string, double>());
  for (const json& cell : grid.at("cells")) {
    state.cells.push_back({cell.at("id"), cell.at("backbone"), cell.at("task"), cell.at("label"),
                           whole_number(cell.at("size")), cell.at("trials"), seeds_of(cell.at("seeds"))});
    if (cell.contains("undecided")) state.widths[cell.at("undecided")] = whole_number(cell.at("width"));
  }
  for (const json& hole : grid.at("holes")) {
    state.holes.push_back(
        {hole.at("backbone"), hole.at("task"), hole.at("label"), whole_number(hole.at("size")), hole.at("reason")});
  }
}

json cell_json(const PlannedCell& cell) {
  return {{"id", cell.id},           {"backbone", cell.backbone}, {"task", cell.task},  {"label", cell.label},
          {"size", cell.train_size}, {"trials", cell.trials},     {"seeds", cell.seeds}};
}

json hole_json(const Hole& hole) {
  return {{"backbone", hole.backbone},
          {"task", hole.task},
          {"label", hole.label},
          {"size", hole.train_size},
          {"reason", hole.reason}};
}

/// `cells`, and behind them those of the grid that they lack; of those that both have, the trials of either.
std::vector<PlannedCell> joined_cells(const Grid& grid, std::vector<PlannedCell> cells) {
  std::map<std::string, std::size_t> place;
  for (const PlannedCell& cell : cells) place.emplace(cell.id, place.size());
  for (const Cell& cell : grid.cells) {
    const auto [known, is_new] = place.try_emplace(cell.id, cells.size());
    if (is_new) cells.push_back({cell.id, cell.backbone, cell.task, cell.label, cell.train_size, {}, {}});
    PlannedCell& planned = cells[known->second];
    for (const std::size_t trial : cell.trials) {
      const worker::TrialSpec& spec = grid.trials[trial];
      if (std::ranges::find(planned.trials, spec.id) != planned.trials.end()) continue;
      planned.trials.push_back(spec.id);
      planned.seeds.push_back(spec.seed);
    }
  }
  return cells;
}

void replay(const Event& event, RunState& state) {
  const json body = checkpoint::parse_shallow(event.json);
  state.ended = event.kind == "end";
  if (event.kind == "grid") read_grid(body, state);
  if (event.kind == "plan") {
    state.prediction = {body.at("makespan"),
                        body.at("lower_bound"),
                        whole_number(body.at("trials")),
                        whole_number(body.at("ranks")),
                        event.time_s,
                        0};
  }
  if (event.kind == "plan") state.end_estimate_s = event.time_s + state.prediction.makespan_s;
  if (body.contains("left")) state.end_estimate_s = event.time_s + body.at("left").get<double>();
  // A start that was stopped is no measure of its plan.
  if (event.kind == "end" && whole_number(body.value("not_run", json(0))) == 0) state.prediction.end_s = event.time_s;
  if (event.kind == "start") {
    state.ranks = whole_number(body.at("ranks"));
    state.cores = whole_number(body.at("cores"));
    state.lost.clear();
    state.job = body.value("job", "");
    state.nodes = body.value("nodes", "");
  }
  if (event.kind == "lost") {
    state.lost.push_back("rank " + std::to_string(whole_number(body.at("rank"))) + " on " +
                         body.at("host").get<std::string>() + " " + body.at("why").get<std::string>());
    if (body.contains("id")) ++state.deaths[body.at("id")];
  }
  if (event.kind == "finished" || event.kind == "failed") state.deaths.erase(body.at("id").get<std::string>());
  if (event.kind == "finished") {
    const std::string id = body.at("id");
    state.finished[id] = {body.at("seconds"), whole_number(body.value("ranks", json(0)))};
    state.failed.erase(id);
  }
  if (event.kind == "failed") {
    FailedTrial& failed = state.failed[body.at("id")];
    failed.reason = body.at("reason");
    failed.environment = body.at("environment");
    ++failed.attempts;
  }
}

void add_shard(const RunState& shard, RunState& state) {
  state.failed.insert(shard.failed.begin(), shard.failed.end());
  state.finished.insert(shard.finished.begin(), shard.finished.end());
  state.lost.insert(state.lost.end(), shard.lost.begin(), shard.lost.end());
  state.ranks += shard.ranks;
  state.end_estimate_s = std::max(state.end_estimate_s, shard.end_estimate_s);
  state.cores = std::max(state.cores, shard.cores);
}

/// A file of another version of the program is a result, too; one under another trial's name, or one that cannot be
/// read, is none.
bool holds_its_trial(const fs::path& file) {
  if (checkpoint::not_plain(file)) return false;
  try {
    return checkpoint::read_trial(file, checkpoint::Read::WithoutTensors).id == file.stem();
  } catch (const checkpoint::LayoutError&) {
    return true;
  } catch (const checkpoint::FileError&) {
    return false;
  }
}

}  // namespace

std::vector<RunFolder> RunFolder::shards() const {
  std::vector<RunFolder> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("shard-") && name.find("-of-") != std::string::npos && entry.is_directory(error)) {
      found.push_back({entry.path()});
    }
  }
  std::ranges::sort(found, {}, &RunFolder::root);
  return found;
}

std::vector<fs::path> with_shards(const std::vector<fs::path>& paths) {
  std::vector<fs::path> all;
  for (const fs::path& path : paths) {
    all.push_back(path);
    for (const RunFolder& shard : RunFolder{path}.shards()) {
      if (fs::is_directory(shard.trials())) all.push_back(shard.root);
    }
  }
  return all;
}

std::set<std::string> finished_trials(const RunFolder& folder) {
  std::set<std::string> ids;
  for (const fs::path& run : with_shards({folder.root})) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(RunFolder{run}.trials(), error)) {
      if (entry.path().extension() == ".h5" && holds_its_trial(entry.path())) ids.insert(entry.path().stem());
    }
  }
  return ids;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    for (const fs::path& part : {folder, folder.parent_path()}) {
      if (!fs::is_symlink(fs::symlink_status(part)) || fs::exists(part)) continue;
      throw checkpoint::FileError(fmt::format("{}: {}; name another run folder with --out", part.string(),
                                              checkpoint::absence(part, "folder")));
    }
    throw checkpoint::FileError(
        fmt::format("{}: cannot be made ({}); name another run folder with --out", folder.string(), error.message()));
  }
}

void write_whole(const fs::path& file, const std::string& text) {
  checkpoint::publish_bytes_replacing(text, file);
}

void refuse_foreign_folder(const RunFolder& folder) {
  std::error_code error;
  if (checkpoint::is_there(folder.journal()) || checkpoint::is_there(folder.owner())) return;
  // Before a job's first start there may be its script, its log and its notes.
  const auto is_foreign = [&](const fs::directory_entry& entry) { return entry.path() != folder.slurm(); };
  if (std::none_of(fs::directory_iterator(folder.root, error), fs::directory_iterator(), is_foreign)) return;
  throw worker::UsageError(
      fmt::format("{}: is not empty and no run folder (it has no journal); name an empty or new folder with --out",
                  folder.root.string()));
}

RunState read_run_state(const RunFolder& folder) {
  RunState state;
  for (const Event& event : read_journal(folder.journal()).events) {
    try {
      replay(event, state);
    } catch (const std::exception&) {
      // A line of another version of the program: what it says is lost to this one, the rest is not.
    }
  }
  for (auto failed = state.failed.begin(); failed != state.failed.end();) {
    failed = std::filesystem::exists(folder.trial(failed->first)) ? state.failed.erase(failed) : std::next(failed);
  }
  for (const RunFolder& shard : folder.shards()) add_shard(read_run_state(shard), state);
  return state;
}

std::string grid_event(const Grid& grid, const RunState& earlier) {
  std::map<std::string, const Cell*> undecided;
  for (const Cell& cell : grid.cells) {
    if (!cell.undecided.empty()) undecided[cell.id] = &cell;
  }
  std::vector<json> cells, holes;
  for (const PlannedCell& cell : joined_cells(grid, earlier.cells)) {
    json& planned = cells.emplace_back(cell_json(cell));
    const auto chosen = undecided.find(cell.id);
    if (chosen == undecided.end()) continue;
    planned["undecided"] = chosen->second->undecided;
    planned["width"] = grid.trials[chosen->second->trials.front()].width;
  }
  for (const std::vector<Hole>* all : {&earlier.holes, &grid.holes}) {
    for (const Hole& hole : *all) {
      json told = hole_json(hole);
      if (std::ranges::find(holes, told) == holes.end()) holes.push_back(std::move(told));
    }
  }
  json event = {{"run", grid.run}, {"sha256", grid.sha256},   {"cells", cells},
                {"holes", holes},  {"compare", grid.compare}, {"margin", grid.margin}};
  if (!grid.task_margins.empty()) event["task_margins"] = grid.task_margins;
  return event.dump();
}

}  // namespace peftgrid::orchestrator
