#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::orchestrator {

/// What one rank may compute on: launchers often bind each rank of a node to a core of its own.
struct RankCores {
  std::string host;
  std::vector<int> cpus;   // by the kernel's numbers
  double quota_cores = 0;  // processor time that its cgroup may take, in cores; 0: no limit
};
/// Of the calling thread.
RankCores cores_of_this_process();

/// The quota of a process, in cores, 0 where there is none: the least of its cgroup and those above it. `membership` is
/// /proc/self/cgroup, `mounted` where cgroups are mounted (/sys/fs/cgroup), version 2 or 1.
double cgroup_quota(std::string_view membership, const std::string& mounted);

/// What the ranks of a run have together.
struct SharedCores {
  std::int64_t cores = 0;          // of all hosts: those that any rank there may use, no more than the quota
  std::int64_t ranks_at_once = 0;  // fewer than there are ranks where hosts have more of them than cores
};
SharedCores shared_cores(const std::vector<RankCores>& ranks);

/// As JSON, for the other ranks. Back from it: throw nlohmann::json::exception for a text that is none.
std::string to_json(const RankCores& cores);
std::string to_json(const SharedCores& cores);
RankCores rank_cores_from_json(const std::string& text);
SharedCores shared_cores_from_json(const std::string& text);

}  // namespace peftgrid::orchestrator
