#include "orchestrator/report/cells.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "checkpoint/shallow_json.hpp"
#include "orchestrator/grid/grid.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid::orchestrator {
namespace {

using nlohmann::json;

/// Keys of a spec that name it or its place and cannot change its numbers.
bool names_only(const std::string& key) {
  static const std::set<std::string> kNames = {"/id", "/cell", "/label", "/seed", "/data_seed", "/keep"};
  const bool place = key.ends_with("/path") || key == "/protocol" || key == "/task/train" || key == "/task/validation";
  return kNames.contains(key) || place;
}

std::map<std::string, std::string> facts_of(const StoredTrial& trial) {
  std::map<std::string, std::string> facts;
  const json flat = checkpoint::parse_shallow(trial.record.spec).flatten();
  for (const auto& [key, value] : flat.items()) {
    if (names_only(key)) continue;
    facts[key.substr(key.rfind('/') + 1)] = (value.is_string() ? value.get<std::string>() : value.dump()).substr(0, 12);
  }
  facts["targets"] = trial.spec.task.targets;  // a spec of raw ones names none
  facts["numerics"] = std::to_string(trial.numerics);
  return facts;
}

/// Adds to the labels of `cells`, which are equal, what differs between their specs; where nothing does, their ids.
void tell_apart(const std::vector<CellContents*>& cells) {
  std::vector<std::map<std::string, std::string>> facts;
  for (const CellContents* cell : cells) {
    facts.push_back(cell->stored.empty() ? std::map<std::string, std::string>{} : facts_of(*cell->stored.front()));
  }
  std::set<std::string> labels;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string label = cells[i]->label;
    for (const auto& fact : facts[i]) {
      const auto differs = [&](const auto& other) {
        const auto there = other.find(fact.first);
        return !other.empty() && (there == other.end() || there->second != fact.second);
      };
      if (std::any_of(facts.begin(), facts.end(), differs)) label += " " + fact.first + "=" + fact.second;
    }
    if (label == cells[i]->label || !labels.insert(label).second) label += " #" + cells[i]->id.substr(0, 6);
    cells[i]->label = label;
  }
}

class Gatherer {
 public:
  explicit Gatherer(Sources& sources) : sources_(sources) {}

  std::vector<CellContents> gather() {
    for (const RunState& state : sources_.states) add_planned(state);
    const std::size_t planned = cells_.size();
    for (const StoredTrial& trial : sources_.trials) add_stored(trial);
    std::stable_sort(cells_.begin() + static_cast<std::ptrdiff_t>(planned), cells_.end(),
                     [](const CellContents& a, const CellContents& b) { return order(a) < order(b); });
    for (const RunState& state : sources_.states) add_troubles(state);
    spread_untrained();
    separate_labels();
    return std::move(cells_);
  }

 private:
  static std::tuple<std::string, bool, std::int64_t, std::string, std::string> order(const CellContents& cell) {
    const StoredTrial& trial = *cell.stored.front();
    return {cell.backbone, !worker::is_baseline(trial.spec.method), -trial.record.trained_parameters, cell.label,
            cell.task};
  }

  CellContents& cell(const std::string& id) {
    const auto [at, fresh] = by_id_.emplace(id, cells_.size());
    if (fresh) cells_.emplace_back().id = id;
    return cells_[at->second];
  }

  void add_planned(const RunState& state) {
    for (const PlannedCell& planned : state.cells) {
      CellContents& into = cell(planned.id);
      into.backbone = planned.backbone;
      into.task = planned.task;
      into.label = planned.label;
      into.train_size = planned.train_size;
      for (const std::string& id : planned.trials) plan(into, id);
    }
  }

  static void plan(CellContents& into, const std::string& id) {
    if (std::find(into.planned.begin(), into.planned.end(), id) == into.planned.end()) into.planned.push_back(id);
  }

  void add_stored(const StoredTrial& trial) {
    CellContents& into = cell(trial.spec.cell);
    if (into.label.empty()) {
      into.backbone = trial.spec.backbone.name;
      into.task = trial.spec.task.name;
      into.label = trial.spec.label;
      const bool untrained = worker::is_untrained(trial.spec.method.name);
      into.train_size = untrained ? kNoTrainingRows : trial.spec.train_size;
    }
    plan(into, trial.record.id);
    into.stored.push_back(&trial);
  }

  void add_troubles(const RunState& state) {
    for (CellContents& into : cells_) {
      for (const std::string& id : into.planned) {
        const auto failed = state.failed.find(id);
        const auto is_it = [&](const StoredTrial* trial) { return trial->record.id == id; };
        if (failed != state.failed.end() && std::none_of(into.stored.begin(), into.stored.end(), is_it)) {
          into.failed.push_back(failed->second);
        }
      }
    }
    for (const Hole& hole : state.holes) {
      CellContents& into = cells_.emplace_back();
      into.backbone = hole.backbone;
      into.task = hole.task;
      into.label = hole.label;
      into.train_size = hole.train_size;
      into.hole = hole.reason;
    }
  }

  /// What trained on nothing stands beside what trained, at every size.
  void spread_untrained() {
    std::vector<CellContents> spread;
    for (const CellContents& one : cells_) {
      if (one.train_size != kNoTrainingRows) continue;
      std::set<std::int64_t> sizes;
      for (const CellContents& other : cells_) {
        if (other.train_size == kNoTrainingRows || other.backbone != one.backbone || other.task != one.task) continue;
        if (sizes.insert(other.train_size).second) spread.emplace_back(one).train_size = other.train_size;
      }
      if (sizes.empty()) spread.push_back(one);
    }
    std::erase_if(cells_, [](const CellContents& one) { return one.train_size == kNoTrainingRows; });
    cells_.insert(cells_.end(), spread.begin(), spread.end());
  }

  void separate_labels() {
    std::map<std::tuple<std::string, std::string, std::int64_t, std::string>, std::vector<CellContents*>> places;
    for (CellContents& one : cells_) {
      if (one.hole.empty()) places[{one.backbone, one.task, one.train_size, one.label}].push_back(&one);
    }
    std::map<std::string, std::string> labels;
    for (const auto& [place, cells] : places) {
      if (cells.size() > 1) tell_apart(cells);
      for (const CellContents* one : cells) labels[one->id] = one->label;
    }
    for (StoredTrial& trial : sources_.trials) trial.label = labels.at(trial.spec.cell);
  }

  Sources& sources_;
  std::vector<CellContents> cells_;
  std::map<std::string, std::size_t> by_id_;
};

}  // namespace

std::vector<CellContents> gather_cells(Sources& sources) {
  return Gatherer(sources).gather();
}

}  // namespace peftgrid::orchestrator
