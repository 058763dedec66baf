#include "orchestrator/run_folder.hpp"

#include <nlohmann/json.hpp>

#include "orchestrator/journal.hpp"

namespace peftgrid::orchestrator {

namespace {

using nlohmann::json;

void read_grid(const json& grid, RunState& state) {
  state.run = grid.at("run");
  state.grid_sha256 = grid.at("sha256");
  state.cells.clear();
  state.holes.clear();
  for (const json& cell : grid.at("cells")) {
    state.cells.push_back({cell.at("id"), cell.at("backbone"), cell.at("task"), cell.at("label"), cell.at("size"),
                           cell.at("trials"), cell.at("seeds")});
  }
  for (const json& hole : grid.at("holes")) {
    state.holes.push_back({hole.at("backbone"), hole.at("task"), hole.at("label"), hole.at("size"), hole.at("reason")});
  }
}

void replay(const Event& event, RunState& state) {
  const json body = json::parse(event.json);
  state.ended = event.kind == "end";
  if (event.kind == "grid") read_grid(body, state);
  if (event.kind == "start") {
    state.ranks = body.at("ranks");
    state.cores = body.at("cores");
    state.lost.clear();
  }
  if (event.kind == "lost") {
    state.lost.push_back("rank " + std::to_string(body.at("rank").get<int>()) + " on " +
                         body.at("host").get<std::string>() + " " + body.at("why").get<std::string>());
    if (body.contains("id")) ++state.deaths[body.at("id")];
  }
  if (event.kind == "finished" || event.kind == "failed") state.deaths.erase(body.at("id").get<std::string>());
  if (event.kind == "finished") {
    const std::string id = body.at("id");
    state.seconds[id] = body.at("seconds");
    state.failed.erase(id);
  }
  if (event.kind == "failed") {
    FailedTrial& failed = state.failed[body.at("id")];
    failed.reason = body.at("reason");
    failed.environment = body.at("environment");
    ++failed.attempts;
  }
}

}  // namespace

RunState read_run_state(const RunFolder& folder) {
  RunState state;
  for (const Event& event : read_journal(folder.journal()).events) {
    try {
      replay(event, state);
    } catch (const json::exception&) {
      // A line of another version of the program: what it says is lost to this one, the rest is not.
    }
  }
  for (auto failed = state.failed.begin(); failed != state.failed.end();) {
    failed = std::filesystem::exists(folder.trial(failed->first)) ? state.failed.erase(failed) : std::next(failed);
  }
  return state;
}

std::string grid_event(const Grid& grid) {
  json cells = json::array();
  for (const Cell& cell : grid.cells) {
    json trials = json::array(), seeds = json::array();
    for (const std::size_t trial : cell.trials) {
      trials.push_back(grid.trials[trial].id);
      seeds.push_back(grid.trials[trial].seed);
    }
    cells.push_back({{"id", cell.id},
                     {"backbone", cell.backbone},
                     {"task", cell.task},
                     {"label", cell.label},
                     {"size", cell.train_size},
                     {"trials", trials},
                     {"seeds", seeds}});
  }
  json holes = json::array();
  for (const Hole& hole : grid.holes) {
    holes.push_back({{"backbone", hole.backbone},
                     {"task", hole.task},
                     {"label", hole.label},
                     {"size", hole.train_size},
                     {"reason", hole.reason}});
  }
  return json{{"run", grid.run}, {"sha256", grid.sha256}, {"cells", cells}, {"holes", holes}}.dump();
}

}  // namespace peftgrid::orchestrator
