#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/schedule/show_plan.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr int kColumns = 80;
constexpr std::int64_t kOwnLines = 16;  // ranks, up to which each has a line

/// What a rank does in the middle of each column of time: neighbouring trials in different shades.
std::vector<std::string> lines_of_ranks(const Simulation& run, std::int64_t ranks) {
  const double column_s = run.makespan_s / kColumns;
  std::vector<std::vector<std::size_t>> jobs(static_cast<std::size_t>(ranks));
  for (std::size_t job = 0; job < run.ranks.size(); ++job) {
    for (const int rank : run.ranks[job]) jobs[static_cast<std::size_t>(rank)].push_back(job);
  }
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < jobs.size(); ++rank) {
    std::vector<std::size_t>& mine = jobs[rank];
    std::ranges::sort(mine, {}, [&](std::size_t job) { return run.start_s[job]; });
    std::string line = fmt::format("rank {:>3} ", rank);
    for (int column = 0; column < kColumns; ++column) {
      const double middle_s = (column + 0.5) * column_s;
      const auto at = std::ranges::find_if(
          mine, [&](std::size_t job) { return run.start_s[job] <= middle_s && middle_s < run.end_s[job]; });
      line += at == mine.end() ? "·" : (at - mine.begin()) % 2 == 0 ? "█" : "▒";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

/// The share of ranks at work in each column of time.
std::string line_of_shares(const Simulation& run, std::int64_t ranks) {
  const double column_s = run.makespan_s / kColumns;
  std::vector<double> busy_s(kColumns);
  for (std::size_t job = 0; job < run.ranks.size(); ++job) {
    const auto first = static_cast<int>(run.start_s[job] / column_s);
    const auto last = std::min(kColumns - 1, static_cast<int>(run.end_s[job] / column_s));
    for (int column = first; column <= last; ++column) {
      const double from = std::max(run.start_s[job], column * column_s);
      const double to = std::min(run.end_s[job], (column + 1) * column_s);
      busy_s[static_cast<std::size_t>(column)] += std::max(0.0, to - from) * static_cast<double>(run.ranks[job].size());
    }
  }
  static constexpr const char* kBars[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line = "at work  ";
  for (const double seconds : busy_s) {
    const double share = std::clamp(seconds / (column_s * static_cast<double>(ranks)), 0.0, 1.0);
    line += kBars[static_cast<int>(std::ceil(share * 8 - 1e-9))];
  }
  return line;
}

}  // namespace

std::vector<std::string> load_picture(const Simulation& run, std::int64_t ranks) {
  if (!(run.makespan_s > 0)) return {};
  if (ranks <= kOwnLines) return lines_of_ranks(run, ranks);
  return {line_of_shares(run, ranks)};
}

}  // namespace peftgrid::orchestrator
