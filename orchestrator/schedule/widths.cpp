#include "orchestrator/schedule/widths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "orchestrator/schedule/simulate.hpp"
#include "orchestrator/schedule/speed.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr std::size_t kLimits = 400;         // that are looked at
constexpr std::size_t kSimulated = 10;       // the best of them by bound
constexpr std::size_t kSteps = 60;           // small ones, from the best of those
constexpr std::size_t kMostForSteps = 2000;  // trials: with more of them one cell is of little weight
constexpr std::size_t kLastCells = 6;        // that a small step may change
constexpr std::size_t kMostTrials = 20'000;  // of a grid that is simulated for this
constexpr double kWorthIt = 0.999;           // of the time so far

/// One way to do the trials of a cell.
struct Way {
  std::int64_t width;
  double seconds;
};
/// Of a cell.
struct Options {
  std::size_t trials;
  std::vector<Way> ways;  // by width
};

std::vector<Options> options_of(const Grid& grid, std::int64_t ranks) {
  const Speed speed;  // the usual one: it decides nothing but how sums weigh against products
  std::vector<Options> all;
  for (const Cell& cell : grid.cells) {
    worker::TrialSpec spec = grid.trials[cell.trials.front()];
    std::vector<Way> ways;
    for (const std::int64_t width : spec.width == 0 ? candidate_widths(spec, ranks) : std::vector{spec.width}) {
      spec.width = width;
      ways.push_back({width, speed.seconds(spec, grid, std::min(width, ranks))});
    }
    all.push_back({cell.trials.size(), std::move(ways)});
  }
  return all;
}

/// Of each cell: which of its ways is taken.
using Choice = std::vector<std::size_t>;

/// The least width that keeps the limit, or the fastest.
std::size_t way_within(const Options& options, double limit_s) {
  const auto& ways = options.ways;
  const auto found = std::ranges::find_if(ways, [&](const Way& way) { return way.seconds <= limit_s; });
  const auto taken = found != ways.end() ? found : std::ranges::min_element(ways, {}, &Way::seconds);
  return static_cast<std::size_t>(taken - ways.begin());
}

Choice choice_within(const std::vector<Options>& all, double limit_s) {
  Choice choice;
  for (const Options& options : all) choice.push_back(way_within(options, limit_s));
  return choice;
}

double bound(const std::vector<Options>& all, const Choice& choice, std::int64_t ranks) {
  double work = 0, longest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Way& way = all[i].ways[choice[i]];
    work += way.seconds * static_cast<double>(std::min(way.width, ranks)) * static_cast<double>(all[i].trials);
    longest = std::max(longest, way.seconds);
  }
  return std::max(work / static_cast<double>(ranks), longest);
}

/// A choice, how long it takes on paper, and the cells in the order in which their last trial ends, the last one first.
struct Rehearsal {
  Choice choice;
  double makespan_s = 0;
  std::vector<std::size_t> last;
};

Rehearsal rehearse(const std::vector<Options>& all, Choice choice, std::int64_t ranks) {
  std::vector<std::pair<Job, std::size_t>> jobs;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Way& way = all[i].ways[choice[i]];
    jobs.insert(jobs.end(), all[i].trials, {Job{way.width, way.seconds}, i});
  }
  std::ranges::stable_sort(jobs, std::greater<>(), [](const auto& job) { return job.first.seconds; });
  std::vector<Job> ordered;
  for (const auto& [job, cell] : jobs) ordered.push_back(job);
  const Simulation run = simulate(ordered, static_cast<int>(ranks));
  std::vector<double> ends(all.size());
  for (std::size_t t = 0; t < jobs.size(); ++t) ends[jobs[t].second] = std::max(ends[jobs[t].second], run.end_s[t]);
  Rehearsal tried{std::move(choice), run.makespan_s, std::vector<std::size_t>(all.size())};
  std::iota(tried.last.begin(), tried.last.end(), 0);
  std::ranges::stable_sort(tried.last, std::greater<>(), [&](std::size_t cell) { return ends[cell]; });
  return tried;
}

/// Times of trials that a limit may lie at, the longest first; many of them are thinned out.
std::vector<double> limits_of(const std::vector<Options>& all) {
  std::set<double, std::greater<>> times;
  for (const Options& options : all) {
    for (const Way& way : options.ways) times.insert(way.seconds);
  }
  const std::vector<double> every(times.begin(), times.end());
  std::vector<double> limits;
  const std::size_t step = (every.size() + kLimits - 1) / kLimits;
  for (std::size_t i = 0; i < every.size(); i += step) limits.push_back(every[i]);
  return limits;
}

/// One step better: one of the cells that end last a size wider or narrower. Nothing: no such step is worth it.
std::optional<Rehearsal> better(const std::vector<Options>& all, const Rehearsal& now, std::int64_t ranks) {
  for (std::size_t at = 0; at < std::min(now.last.size(), kLastCells); ++at) {
    const std::size_t cell = now.last[at];
    const std::size_t way = now.choice[cell];
    std::vector<std::size_t> others;
    if (way + 1 < all[cell].ways.size()) others.push_back(way + 1);
    if (way > 0) others.push_back(way - 1);
    for (const std::size_t other : others) {
      Choice choice = now.choice;
      choice[cell] = other;
      Rehearsal next = rehearse(all, std::move(choice), ranks);
      if (next.makespan_s < kWorthIt * now.makespan_s) return next;
    }
  }
  return std::nullopt;
}

/// The best limit, then what small steps add to it.
Choice choose(const std::vector<Options>& all, std::int64_t ranks) {
  std::vector<Choice> choices;
  for (const double limit : limits_of(all)) choices.push_back(choice_within(all, limit));
  std::ranges::stable_sort(choices, {}, [&](const Choice& choice) { return bound(all, choice, ranks); });
  std::size_t trials = 0;
  for (const Options& options : all) trials += options.trials;
  if (trials > kMostTrials) return choices.front();
  choices.resize(std::min(choices.size(), kSimulated));
  std::optional<Rehearsal> best;
  for (Choice& choice : choices) {
    Rehearsal tried = rehearse(all, std::move(choice), ranks);
    if (!best || tried.makespan_s < kWorthIt * best->makespan_s) best = std::move(tried);
  }
  for (std::size_t steps = 0; trials <= kMostForSteps && steps < kSteps; ++steps) {
    std::optional<Rehearsal> next = better(all, *best, ranks);
    if (!next) break;
    best = std::move(next);
  }
  return best->choice;
}

void settle(Grid& grid, Cell& cell, std::int64_t width) {
  for (const std::size_t i : cell.trials) {
    worker::TrialSpec& spec = grid.trials[i];
    spec.width = width;
    spec.cell = cell.id = worker::cell_id(spec);
    spec.id = worker::trial_id(spec);
  }
}

void refuse_equal_cells(const Grid& grid) {
  std::map<std::string, const Cell*> seen;
  for (const Cell& cell : grid.cells) {
    const auto [before, fresh] = seen.emplace(cell.id, &cell);
    if (fresh) continue;
    throw worker::UsageError(fmt::format("{} and {} of {} come out with the same width, {}; leave one of them out",
                                         before->second->label, cell.label, cell.task,
                                         grid.trials[cell.trials.front()].width));
  }
}

}  // namespace

std::vector<std::int64_t> candidate_widths(const worker::TrialSpec& spec, std::int64_t ranks) {
  std::vector<std::int64_t> widths;
  for (std::int64_t w = 1; w <= std::min(ranks, spec.training.batch_size); w *= 2) widths.push_back(w);
  return widths;
}

void choose_widths(Grid& grid, std::int64_t ranks, std::int64_t shards,
                   const std::map<std::string, std::int64_t>& remembered) {
  const auto open = [](const Cell& cell) { return !cell.undecided.empty(); };
  if (std::ranges::none_of(grid.cells, open)) return;
  const std::vector<Options> all = options_of(grid, ranks);
  const Choice choice = choose(all, ranks * shards);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Cell& cell = grid.cells[i];
    if (!open(cell)) continue;
    const auto before = remembered.find(cell.undecided);
    settle(grid, cell, before != remembered.end() ? before->second : all[i].ways[choice[i]].width);
  }
  refuse_equal_cells(grid);
}

}  // namespace peftgrid::orchestrator
