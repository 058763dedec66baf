#include "orchestrator/schedule/show_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <ostream>
#include <set>

#include "orchestrator/schedule/cost.hpp"
#include "orchestrator/schedule/machine_memory.hpp"

namespace peftgrid::orchestrator {

namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kShownTrials = 12;
constexpr double kLibraryBytes = 61e6;  // LibTorch's own, in every rank
constexpr double kManyRanks = 64;       // so many on a machine are no question of memory

std::string size_text(std::int64_t size) {
  if (size == kNoTrainingRows) return "none";
  return size == 0 ? "all" : count_text(size);
}

/// Names of backbones or tasks as the grid orders them; those without a cell come last.
template <typename Facts>
std::vector<std::string> in_order(const Grid& grid, std::string Cell::*name,
                                  const std::map<std::string, Facts>& facts) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& one) {
    if (std::ranges::find(names, one) == names.end()) names.push_back(one);
  };
  for (const Cell& cell : grid.cells) add(cell.*name);
  for (const auto& [one, fact] : facts) add(one);
  return names;
}

/// What a task's rows have to predict: so many labels or choices, a number, a text.
std::string predicted_text(const Grid& grid, const std::string& task) {
  const std::vector<std::string>& labels = grid.tasks.at(task).labels;
  if (!labels.empty()) return std::to_string(labels.size());
  const auto trial = std::ranges::find(grid.trials, task, [](const worker::TrialSpec& spec) { return spec.task.name; });
  if (trial == grid.trials.end()) return "";
  if (trial->task.kind == worker::kChoice) return fmt::format("{} choices", trial->task.choices.size());
  return trial->task.kind == worker::kLanguageModel ? "text" : "number";
}

void show_facts(std::ostream& out, const Grid& grid) {
  Rows backbones = {{"backbone", "architecture", ">layers", ">width", ">parameters", "type", "pooler", "left aside"}};
  for (const std::string& name : in_order(grid, &Cell::backbone, grid.backbones)) {
    const worker::BackboneFacts& b = grid.backbones.at(name);
    backbones.push_back({name, b.model.architecture->name, count_text(b.model.geometry.layers),
                         count_text(b.model.geometry.width), count_text(b.model.parameters()), b.dtype,
                         b.model.pooler ? "pretrained" : "none", fmt::format("{}", fmt::join(b.ignored_tensors, " "))});
  }
  out << "\nBackbones\n";
  show_table(out, backbones);
  Rows tasks = {{"task", ">train rows", ">validation", ">test", ">labels", ">characters a row"}};
  for (const std::string& name : in_order(grid, &Cell::task, grid.tasks)) {
    const worker::TaskFacts& t = grid.tasks.at(name);
    tasks.push_back({name, count_text(t.train_rows), count_text(t.validation_rows),
                     fmt::format("{}", fmt::join(t.test_rows, " + ")), predicted_text(grid, name),
                     fmt::format("{:.0f}", t.mean_characters)});
  }
  out << "\nTasks\n";
  show_table(out, tasks);
}

void show_cells(std::ostream& out, const Grid& grid, const Plan& plan) {
  const std::set<std::size_t> to_run(plan.order.begin(), plan.order.end());
  Rows rows = {{"backbone", "task", "method", ">size", ">trials", ">there", ">rate", ">trained", ">stored", ">head",
                ">width", ">a trial", ">disk"}};
  for (const Cell& cell : grid.cells) {
    const worker::TrialSpec& spec = grid.trials[cell.trials[0]];
    const worker::BackboneFacts& backbone = grid.backbones.at(cell.backbone);
    const worker::ParameterCounts counts = worker::count_trained(spec, backbone);
    const auto there = std::ranges::count_if(cell.trials, [&](std::size_t i) { return !to_run.contains(i); });
    const auto disk = static_cast<double>(disk_bytes(spec, grid.tasks.at(cell.task), backbone));
    rows.push_back({cell.backbone, cell.task, cell.label, size_text(cell.train_size),
                    std::to_string(cell.trials.size()), std::to_string(there),
                    fmt::format("{}", spec.training.learning_rate), count_text(counts.method),
                    count_text(counts.stored), count_text(counts.head),
                    std::to_string(spec.width) + (cell.undecided.empty() ? "" : "*"),
                    seconds_text(plan.seconds[cell.trials[0]]), rounded_bytes(disk)});
  }
  out << fmt::format("\nCells: {}\n", grid.cells.size());
  show_table(out, rows);
  if (std::ranges::any_of(grid.cells, [](const Cell& cell) { return !cell.undecided.empty(); }))
    out << "  * ranks that share a trial, chosen by this plan; the first start of the run keeps its choice\n";
}

void show_holes(std::ostream& out, const Grid& grid) {
  if (grid.holes.empty()) return;
  std::map<std::vector<std::string>, std::string> methods;  // of the holes that are alike in all else
  std::vector<std::vector<std::string>> order;
  for (const Hole& hole : grid.holes) {
    const std::vector<std::string> key = {hole.backbone, hole.task, size_text(hole.train_size), hole.reason};
    std::string& labels = methods[key];
    if (labels.empty()) order.push_back(key);
    labels += (labels.empty() ? "" : ", ") + hole.label;
  }
  Rows rows = {{"backbone", "task", ">size", "why not", "methods"}};
  for (const auto& key : order) rows.push_back({key[0], key[1], key[2], key[3], methods.at(key)});
  out << fmt::format("\nHoles: {} cells that cannot be run\n", grid.holes.size());
  show_table(out, rows);
}

void show_order(std::ostream& out, const Grid& grid, const Plan& plan, bool verbose) {
  if (plan.order.empty()) return;
  const std::size_t shown = verbose ? plan.order.size() : std::min(plan.order.size(), kShownTrials);
  Rows rows = {{">", "trial", "backbone", "task", "method", ">size", ">seed", ">predicted"}};
  for (std::size_t i = 0; i < shown; ++i) {
    const worker::TrialSpec& spec = grid.trials[plan.order[i]];
    const bool has_id = grid.backbones.at(spec.backbone.name).has_weights;
    rows.push_back({std::to_string(i + 1), has_id ? spec.id : "-", spec.backbone.name, spec.task.name, spec.label,
                    size_text(spec.train_size), std::to_string(spec.seed), seconds_text(plan.seconds[plan.order[i]])});
  }
  out << "\nOrder: longest first\n";
  show_table(out, rows);
  if (shown < plan.order.size()) out << fmt::format("  and {} more (--verbose shows all)\n", plan.order.size() - shown);
}

/// Each with so many bytes of its own, beside what a node's ranks share.
void show_ranks_that_fit(std::ostream& out, double own, double shared) {
  const auto here = static_cast<double>(machine_memory_bytes());
  const double fit = std::floor((here - shared) / own);
  if (fit < 1) {
    out << fmt::format(
        "             this machine's {} do not hold one: a smaller `batch_size` (with `accumulate`) or "
        "`max_length`, or a method that trains less, would be right\n",
        rounded_bytes(here));
  } else if (fit < kManyRanks) {
    out << fmt::format("             this machine's {} hold {:.0f} of them\n", rounded_bytes(here), fit);
  }
}

void show_needs(std::ostream& out, const Grid& grid, const Plan& plan) {
  double disk = 0, memory = 0, shared = 0;
  for (const std::size_t i : plan.order) {
    const worker::TrialSpec& spec = grid.trials[i];
    const worker::TaskFacts& task = grid.tasks.at(spec.task.name);
    const worker::BackboneFacts& backbone = grid.backbones.at(spec.backbone.name);
    disk += static_cast<double>(disk_bytes(spec, task, backbone));
    memory = std::max(memory, static_cast<double>(memory_bytes(spec, task, backbone)));
  }
  for (const auto& [name, backbone] : grid.backbones) shared += static_cast<double>(backbone.file_bytes);
  const std::string keep = grid.trials.empty() ? "adapters" : grid.trials[0].keep;
  out << fmt::format("  memory     about {} a rank beside LibTorch's own {}; {} shared by the ranks of a node\n",
                     rounded_bytes(memory), rounded_bytes(kLibraryBytes), rounded_bytes(shared));
  if (grid.trials.empty() || grid.trials[0].device == "cpu") {
    show_ranks_that_fit(out, memory + kLibraryBytes, shared);
  } else {
    out << fmt::format("             on a GPU about {}, the base included\n", rounded_bytes(memory + shared));
  }
  out << fmt::format("  disk       about {} for the trials to run (keep: {})\n", rounded_bytes(disk), keep);
}

void show_load(std::ostream& out, const Plan& plan, std::int64_t ranks) {
  if (plan.jobs.empty()) return;
  out << fmt::format("\nLoad: {:.0f} % of {} rank{} over {}\n",
                     100 * plan.run.busy_rank_s / (plan.run.makespan_s * static_cast<double>(ranks)), ranks,
                     ranks == 1 ? "" : "s", seconds_text(plan.run.makespan_s));
  for (const std::string& line : load_picture(plan.run, ranks)) out << "  " << line << '\n';
}

void show_extras(std::ostream& out, const Grid& grid, const Plan& plan, std::int64_t ranks) {
  Rows rows = {{"", ">trials", ">time", ">rank-seconds"}};
  for (const Extra& extra : extras(grid, ranks, plan)) {
    rows.push_back({extra.what, std::to_string(extra.trials), "+" + seconds_text(extra.makespan_s),
                    fmt::format("+{:.1f}", extra.rank_seconds)});
  }
  if (rows.size() == 1) return;
  out << "\nMore would cost\n";
  show_table(out, rows);
}

void show_summary(std::ostream& out, const Grid& grid, const Plan& plan, const PlanView& view) {
  out << fmt::format("\nIn all\n  trials     {} to run, {} already there\n", plan.order.size(),
                     grid.trials.size() - plan.order.size());
  if (!plan.order.empty()) {
    out << fmt::format("  time       {} on {} rank{}; no plan takes less than {} (this one {:.3f} times that)\n",
                       seconds_text(plan.run.makespan_s), view.ranks, view.ranks == 1 ? "" : "s",
                       seconds_text(plan.lower_bound_s), plan.run.makespan_s / plan.lower_bound_s);
    out << fmt::format("             {:.1f} rank-seconds, at {:.0f} GFLOP/s a rank, {}\n", plan.run.busy_rank_s,
                       view.speed.products.gflops,
                       view.speed.from_trials ? "as this run's finished trials had"
                                              : "as given or measured here, until trials of this run are done");
  }
  show_needs(out, grid, plan);
}

}  // namespace

void show_plan(std::ostream& out, const Grid& grid, const Plan& plan, const PlanView& view) {
  out << "Grid " << grid.run << "\n";
  Rows resolved = {{"key", "value", "from"}};
  for (const Resolved& line : grid.resolved) resolved.push_back({line.key, line.value, line.origin});
  show_table(out, resolved);
  show_facts(out, grid);
  show_cells(out, grid, plan);
  show_holes(out, grid);
  if (!grid.notes.empty()) out << "\nNotes\n";
  for (const std::string& note : grid.notes) out << "  " << note << '\n';
  if (!grid.warnings.empty()) out << "\nWarnings\n";
  for (const std::string& warning : grid.warnings) out << "  " << warning << '\n';
  show_order(out, grid, plan, view.verbose);
  show_load(out, plan, view.ranks);
  show_extras(out, grid, plan, view.ranks);
  show_summary(out, grid, plan, view);
}

}  // namespace peftgrid::orchestrator
