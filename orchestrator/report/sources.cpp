#include "orchestrator/report/sources.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "checkpoint/shallow_json.hpp"
#include "orchestrator/report/shown_texts.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string text_in(const json& environment, const char* key) {
  const auto found = environment.find(key);
  return found != environment.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_in(const json& environment, const char* key) {
  const auto found = environment.find(key);
  return found != environment.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

StoredTrial stored_trial(checkpoint::TrialRecord record) {
  StoredTrial trial;
  trial.spec = worker::trial_from_json(record.spec);
  trial.label = trial.spec.label;
  trial.rank_s = record.total_s;
  const json environment = checkpoint::parse_shallow(record.environment);
  if (environment.is_object()) {
    trial.cpu = text_in(environment, "cpu");
    trial.commit = text_in(environment, "commit");
    trial.ranks = number_in(environment, "ranks");
    trial.cores = number_in(environment, "cores");
    trial.numerics = number_in(environment, "numerics");
    const auto rank_s = environment.find("rank_s");
    if (rank_s != environment.end() && rank_s->is_number()) trial.rank_s = rank_s->get<double>();
  }
  trial.record = std::move(record);
  return trial;
}

/// The folder whose trials/ holds this file.
fs::path run_of(const fs::path& file) {
  return file.parent_path().parent_path().lexically_normal();
}

}  // namespace

Sources load_sources(const std::vector<fs::path>& paths) {
  Sources sources;
  std::set<fs::path> planned_runs;
  std::set<std::string> planned;
  for (const fs::path& path : paths) {
    RunState state = read_run_state(RunFolder{path});
    if (state.cells.empty() && state.holes.empty()) continue;
    for (const fs::path& run : with_shards({path})) planned_runs.insert(run_of(RunFolder{run}.trials() / "any"));
    for (const PlannedCell& cell : state.cells) planned.insert(cell.trials.begin(), cell.trials.end());
    sources.states.push_back(std::move(state));
  }
  checkpoint::Collection found = checkpoint::collect(with_shards(paths), checkpoint::Read::WithoutTensors);
  sources.conflicts = std::move(found.conflicts);
  sources.unreadable = std::move(found.unreadable);
  for (std::size_t i = 0; i < found.trials.size(); ++i) {
    // Only a run folder with a journal knows what its grid asks for; a merged file stands for itself.
    if (!planned.contains(found.trials[i].id) && planned_runs.contains(run_of(found.files[i]))) {
      ++sources.earlier;
      continue;
    }
    try {
      sources.trials.push_back(stored_trial(std::move(found.trials[i])));
    } catch (const std::runtime_error& error) {
      sources.unreadable.push_back({found.files[i], error.what()});
    }
  }
  show_texts(sources);
  return sources;
}

}  // namespace peftgrid::orchestrator
