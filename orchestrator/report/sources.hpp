#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/merge.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// A trial as found on disk, with what its JSON says already taken apart.
struct StoredTrial {
  checkpoint::TrialRecord record;
  worker::TrialSpec spec;
  std::string label;  // of its row; the spec's, unless two unlike cells would share it
  std::string cpu, commit;
  std::int64_t ranks = 0, cores = 0, numerics = 0;  // 0: not said
  double rank_s = 0;                                // wall time of all ranks that trained it together
};

/// What a report is made from.
struct Sources {
  std::vector<StoredTrial> trials;  // sorted by id; those of the current grids, and all of plain trial files
  std::vector<RunState> states;     // of the run folders, in the order given; only those that have a journal
  std::size_t earlier = 0;          // trials in run folders that no current grid asks for
  std::vector<checkpoint::Conflict> conflicts;
  std::vector<checkpoint::Unreadable> unreadable;
};

/// Reads run folders, trial files and merged files. Texts are as they may be shown (shown_texts.hpp), paths are not.
/// Throws checkpoint::FileError where a source does not exist.
Sources load_sources(const std::vector<std::filesystem::path>& paths);

}  // namespace peftgrid::orchestrator
