#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// What the command line changes of a grid: `--set training.epochs=2`, `--only method=lora,task=sst2`, `--device`,
/// `--threads`.
struct Overrides {
  std::vector<std::string> set;
  std::vector<std::string> only;
  std::string device = "cpu";
  std::int64_t threads = 1;
};

/// The size of a cell whose method trains nothing.
inline constexpr std::int64_t kNoTrainingRows = -1;

/// A cell that cannot be run, with the reason: shown in plan and report.
struct Hole {
  std::string backbone, task, label;
  std::int64_t train_size = 0;  // 0: all
  std::string reason;
};

/// What a report has one number for: all trials of one id but for seed and data seed.
struct Cell {
  std::string id, backbone, task, label;
  std::int64_t train_size = 0;      // 0: all; or kNoTrainingRows
  std::vector<std::size_t> trials;  // indices into Grid::trials
  /// What names the cell as long as its width is the plan's to choose (schedule/widths.hpp): until then it is the
  /// cell's id. Empty where the grid says the width.
  std::string undecided;
};

inline constexpr double kDefaultMargin = 1;  // points

/// One resolved key and where its value came from ("line 12", "default", "--set", "sweep").
struct Resolved {
  std::string key, value, origin;
};

struct Grid {
  std::string run;     // the run's name
  std::string text;    // the file as given, byte for byte
  std::string sha256;  // of text and overrides
  std::vector<worker::TrialSpec> trials;
  std::vector<Cell> cells;
  std::vector<Hole> holes;
  std::vector<std::string> compare;  // labels of the methods that a report compares, the baseline first; empty: all
  double margin = kDefaultMargin;    // points below which a difference does not matter
  /// Of tasks that have one of their own, by name: of the first metric, in points, or where that is an error in its
  /// units.
  std::map<std::string, double> task_margins;
  std::vector<Resolved> resolved;
  std::vector<std::string> warnings;                       // "class 3 has no row among the 100 of seed 2"
  std::vector<std::string> notes;                          // what files state and is not done; rows that are cut
  std::map<std::string, worker::BackboneFacts> backbones;  // by name
  std::map<std::string, worker::TaskFacts> tasks;          // by name
};

/// Reads a grid file and everything it names: cells, trials, holes. Throws worker::UsageError with file, line, what is
/// wrong and what would be right (nearest known name included); nothing has been computed or written by then. Widths
/// that the grid leaves to the plan are 0, and their trials' ids not yet final. A backbone's folder without weights is
/// refused unless the grid is only to be planned.
Grid load_grid(const std::string& path, const Overrides& overrides,
               worker::WithoutWeights without = worker::WithoutWeights::Refused);

}  // namespace peftgrid::orchestrator
