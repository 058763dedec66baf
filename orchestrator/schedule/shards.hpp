#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/grid/grid.hpp"

/// A grid in parts that know nothing of each other, for arrays of jobs.
namespace peftgrid::orchestrator {

/// The index-th of count shards, from 1. The whole grid is 1 of 1.
struct Shard {
  std::int64_t index = 1, count = 1;
  bool whole() const { return count == 1; }
  /// "shard-2-of-4": the shard's run folder inside that of the grid.
  std::string folder() const;
};

/// What --out, the run's name and the shard make the run folder: runs/<run>, or runs/<run>/shard-2-of-4.
std::filesystem::path run_folder_path(const std::string& out, const std::string& run, const Shard& shard);

inline constexpr std::int64_t kMostShards = 100'000;

/// "2/4". An empty text is the whole grid. Throws worker::UsageError that begins with `command`.
Shard parse_shard(const std::string& text, const std::string& command);

/// For each cost the shard, from 0, that it belongs to: the largest cost first, each to the shard with the least so
/// far. Equal costs in the order of `names`, equal shards lowest first: the same on every machine.
std::vector<std::int64_t> split_by_cost(const std::vector<double>& costs, const std::vector<std::string>& names,
                                        std::int64_t shards);

/// The shard, from 0, of each trial of a grid. It depends on the grid alone: not on what is finished, nor on how fast a
/// machine is, so that jobs that know nothing of each other agree. Throws worker::UsageError that begins with `command`
/// where a shard would be empty.
std::vector<std::int64_t> shards_of(const Grid& grid, std::int64_t count, const std::string& command);

/// Leaves in a grid what belongs to one shard; cells without a trial go. Throws as shards_of does.
void keep_shard(Grid& grid, const Shard& shard, const std::string& command);

}  // namespace peftgrid::orchestrator
