#include "orchestrator/launch/launched_ranks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "orchestrator/launch/process.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;

/// Those that live: a launcher that is busy starting ranks buries the dead ones late.
std::vector<std::int64_t> living_children(std::int64_t pid) {
  std::vector<std::int64_t> children;
  std::error_code gone;
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::ifstream in(thread.path() / "children");
    for (std::int64_t child = 0; in >> child;) {
      const auto facts = process_facts(child);
      if (facts && facts->state != 'Z') children.push_back(child);
    }
  }
  return children;
}

/// Everything below a process.
std::vector<std::int64_t> descendants(std::int64_t pid) {
  std::vector<std::int64_t> all = living_children(pid);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto children = living_children(all[i]);
    all.insert(all.end(), children.begin(), children.end());
  }
  return all;
}

std::string program_of(std::int64_t pid) {
  std::error_code refused;
  return fs::read_symlink(fmt::format("/proc/{}/exe", pid), refused).string();
}

bool is_stopped(std::int64_t pid) {
  const auto facts = process_facts(pid);
  return facts && facts->state == 'T';
}

}  // namespace

LaunchedRanks::LaunchedRanks(std::int64_t launcher) : launcher_(launcher), program_(program_of(getpid())) {}

std::size_t LaunchedRanks::look() {
  std::map<std::int64_t, Child> now;
  for (const std::int64_t pid : living_children(launcher_)) {
    Child child = children_[pid];
    if (!child.rank) {
      std::ifstream in(fmt::format("/proc/{}/environ", pid), std::ios::binary);
      std::stringstream all;
      all << in.rdbuf();
      constexpr std::string_view kRank = "OMPI_COMM_WORLD_RANK=";
      for (std::string word; std::getline(all, word, '\0');) {
        if (word.starts_with(kRank)) child.rank = std::atoi(word.c_str() + kRank.size());
      }
      // An agent that reaches another host (ssh) is no rank.
      if (!child.rank && !all.str().empty()) continue;
    }
    child.runs_the_program = child.runs_the_program || program_of(pid) == program_;
    now.emplace(pid, child);
  }
  children_ = std::move(now);
  return children_.size();
}

LaunchedRanks::Started LaunchedRanks::started() const {
  Started started;
  for (const auto& [pid, child] : children_) {
    if (!child.rank) continue;
    bool runs = child.runs_the_program;
    if (!runs) {
      for (const std::int64_t below : descendants(pid)) runs = runs || program_of(below) == program_;
    }
    (runs ? started.running : started.waiting).push_back(*child.rank);
  }
  std::sort(started.running.begin(), started.running.end());
  std::sort(started.waiting.begin(), started.waiting.end());
  return started;
}

std::vector<std::int64_t> LaunchedRanks::stopped() {
  std::vector<std::int64_t> found;
  for (const auto& [pid, child] : children_) {
    if (is_stopped(pid)) found.push_back(pid);
    if (child.runs_the_program) continue;
    for (const std::int64_t below : descendants(pid)) {
      if (is_stopped(below)) found.push_back(below);
    }
  }
  return found;
}

}  // namespace peftgrid::orchestrator
