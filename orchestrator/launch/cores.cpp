#include "orchestrator/launch/cores.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "orchestrator/launch/launch.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr std::size_t kMostCpus = 8192;

std::vector<int> usable_cpus() {
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
  std::vector<cpu_set_t> sets(bytes / sizeof(cpu_set_t) + 1);
  std::vector<int> cpus;
  if (sched_getaffinity(0, bytes, sets.data()) != 0) return cpus;
  for (std::size_t cpu = 0; cpu < kMostCpus; ++cpu) {
    if (CPU_ISSET_S(cpu, bytes, sets.data())) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

/// Of one cgroup, in cores; 0: no limit, or none that can be read.
double quota_of(const std::string& folder, bool version_2) {
  std::string quota;  // "max" or microseconds
  double period = 0;
  if (version_2) {
    std::ifstream(folder + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  const double allowed = quota.empty() || quota == "max" ? 0 : std::strtod(quota.c_str(), nullptr);
  return allowed > 0 && period > 0 ? allowed / period : 0;
}

/// The least of a cgroup and those above it.
double least_quota(const std::string& root, std::string path, bool version_2) {
  double least = 0;
  for (;; path.erase(path.rfind('/'))) {
    if (const double here = quota_of(root + path, version_2); here > 0)
      least = least > 0 ? std::min(least, here) : here;
    if (path.find('/') == path.npos) return least;
  }
}

}  // namespace

double cgroup_quota(std::string_view membership, const std::string& mounted) {
  std::istringstream lines{std::string(membership)};
  double least = 0;
  for (std::string line; std::getline(lines, line);) {  // "0::/path" or "4:cpu,cpuacct:/path"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version_2 = controllers == ",,";
    if (!version_2 && controllers.find(",cpu,") == controllers.npos) continue;
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    const double quota = least_quota(version_2 ? mounted : mounted + "/cpu", path, version_2);
    if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
  }
  return least;
}

RankCores cores_of_this_process() {
  std::ostringstream membership;
  membership << std::ifstream("/proc/self/cgroup").rdbuf();
  return {host_name(), usable_cpus(), cgroup_quota(membership.str(), "/sys/fs/cgroup")};
}

SharedCores shared_cores(const std::vector<RankCores>& ranks) {
  struct Host {
    std::set<int> cpus;
    double quota_cores = 0;
    std::int64_t ranks = 0;
  };
  std::map<std::string, Host> hosts;
  for (const RankCores& rank : ranks) {
    Host& host = hosts[rank.host];
    host.cpus.insert(rank.cpus.begin(), rank.cpus.end());
    host.quota_cores = std::max(host.quota_cores, rank.quota_cores);
    ++host.ranks;
  }
  SharedCores all;
  for (const auto& [name, host] : hosts) {
    auto cores = std::max<std::int64_t>(1, static_cast<std::int64_t>(host.cpus.size()));
    if (host.quota_cores > 0) cores = std::clamp<std::int64_t>(std::llround(host.quota_cores), 1, cores);
    all.cores += cores;
    all.ranks_at_once += std::min(cores, host.ranks);
  }
  return all;
}

std::string to_json(const RankCores& cores) {
  return nlohmann::json{{"host", cores.host}, {"cpus", cores.cpus}, {"quota_cores", cores.quota_cores}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_json(const SharedCores& cores) {
  return nlohmann::json{{"cores", cores.cores}, {"ranks_at_once", cores.ranks_at_once}}.dump();
}

RankCores rank_cores_from_json(const std::string& text) {
  const nlohmann::json body = nlohmann::json::parse(text);
  return {body.at("host"), body.at("cpus"), body.at("quota_cores")};
}

SharedCores shared_cores_from_json(const std::string& text) {
  const nlohmann::json body = nlohmann::json::parse(text);
  return {body.at("cores"), body.at("ranks_at_once")};
}

}  // namespace peftgrid::orchestrator
