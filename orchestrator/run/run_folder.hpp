#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"

namespace peftgrid::orchestrator {

/// A cell of the run's current grid, as the journal keeps it.
struct PlannedCell {
  std::string id, backbone, task, label;
  std::int64_t train_size = 0;       // 0: all
  std::vector<std::string> trials;   // ids
  std::vector<std::uint64_t> seeds;  // of those trials
};

/// What a finished trial took, and on how many ranks (0: not said).
struct FinishedTrial {
  double seconds = 0;
  std::int64_t ranks = 0;
};

/// What a start predicted, and when it began and ran out of trials (seconds since 1970; 0: not yet, or stopped).
struct Prediction {
  double makespan_s = 0, lower_bound_s = 0;
  std::int64_t trials = 0, ranks = 0;
  double begin_s = 0, end_s = 0;
};

struct FailedTrial {
  std::string reason;
  bool environment = false;  // the same command tries it again
  std::int64_t attempts = 0;
};

/// What a run folder's journal says of its current grid: enough for status and report without data or weights.
struct RunState {
  std::string run, grid_sha256;
  std::vector<PlannedCell> cells;  // in the grid's order: backbones, tasks, methods, sizes
  std::vector<Hole> holes;
  std::vector<std::string> compare;               // as Grid's
  double margin = kDefaultMargin;                 // as Grid's
  std::map<std::string, double> task_margins;     // as Grid's
  std::map<std::string, FailedTrial> failed;      // by trial id; those without a trial file
  std::map<std::string, FinishedTrial> finished;  // by id
  std::map<std::string, std::int64_t> widths;     // that starts chose, by Cell::undecided
  Prediction prediction;                          // of the last start
  std::map<std::string, std::int64_t> deaths;     // of ranks that worked on an unfinished trial, by its id
  std::vector<std::string> lost;                  // "rank 3 on node7 died", of the last start
  double end_estimate_s = 0;                      // when the last start expected to be done; seconds since 1970
  bool ended = false;                             // the last thing written was "end"
  std::int64_t ranks = 0, cores = 0;              // of the last start
  std::string job, nodes;                         // of the last start, where it was a Slurm job
};

/// Where things lie in a run folder.
struct RunFolder {
  std::filesystem::path root;
  std::filesystem::path trials() const { return root / "trials"; }
  std::filesystem::path trial(const std::string& id) const { return trials() / (id + ".h5"); }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path journal() const { return root / "journal"; }
  /// Room for finished trials on a disk that runs full (checkpoint/reserve.hpp).
  std::filesystem::path reserve() const { return root / "reserve"; }
  std::filesystem::path owner() const { return root / "owner"; }
  std::filesystem::path report() const { return root / "report"; }
  std::filesystem::path slurm() const { return root / "slurm"; }
  /// The run folders of an array's shards inside this one, in the order of their names. Seldom any.
  std::vector<RunFolder> shards() const;
};

/// Each path, and behind a run folder the run folders of its shards: the places of all its trial files.
std::vector<std::filesystem::path> with_shards(const std::vector<std::filesystem::path>& paths);

/// Ids of the trials whose files are there and hold them, those of shards included.
std::set<std::string> finished_trials(const RunFolder& folder);

/// Throws worker::UsageError for a folder that holds something else than a run: a run never spreads over it.
void refuse_foreign_folder(const RunFolder& folder);
/// With the folders above it. Throws FileError.
void make_folder(const std::filesystem::path& folder);
/// Replaces a file in one step. Throws FileError.
void write_whole(const std::filesystem::path& file, const std::string& text);

/// Replays the journal, then what the journals of shards say of failures, times and ranks. A folder without a journal
/// gives an empty state.
RunState read_run_state(const RunFolder& folder);
/// The JSON of the journal's "grid" event: the cells and holes of `grid`, and those of `earlier` that it lacks. A grid
/// that
/// --only has narrowed says what runs, not what the run consists of.
std::string grid_event(const Grid& grid, const RunState& earlier = {});

}  // namespace peftgrid::orchestrator
