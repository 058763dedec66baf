#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "checkpoint/sha256.hpp"
#include "orchestrator/grid/expand.hpp"
#include "orchestrator/grid/grid.hpp"
#include "orchestrator/grid/grid_file.hpp"
#include "orchestrator/grid/overrides.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::TaskSpec;
using worker::UsageError;

constexpr std::uint64_t kMostGridBytes = std::uint64_t{1} << 20;

worker::BackboneFacts inspect(const BackboneEntry& backbone, worker::WithoutWeights without) {
  try {
    return worker::inspect_backbone(backbone.path, without);
  } catch (const UsageError& error) {
    backbone.node.fail(fmt::format("backbone {}: {}", backbone.name, error.what()));
  }
}

void check_task(const GridFile& file, const TaskEntry& task, const TaskSpec& spec) {
  if (file.selection.from == "validation" && spec.validation.empty()) {
    task.node.fail(fmt::format(
        "selection is validation, but the task {} has no validation file; give one, or keep rows out", spec.name));
  }
  const bool f1 = std::ranges::find(spec.metrics, "f1") != spec.metrics.end();
  if (f1 && spec.labels.size() != 2) {
    task.node.fail(fmt::format("f1 is for two labels, and the task {} has {}; macro_f1 would be right", spec.name,
                               spec.labels.size()));
  }
}

void inspect(const GridFile& file, const TaskEntry& task, Facts& facts) {
  TaskSpec spec = task.spec;
  const std::string& targets = worker::find_protocol(file.protocol)->targets;
  try {
    if (task.built_in) {
      spec = worker::glue_task(task.spec.name, file.data);
      if (!task.spec.metrics.empty()) spec.metrics = task.spec.metrics;
      if (task.origins.contains("targets")) spec.targets = task.spec.targets;
    }
    if (!task.origins.contains("targets") && !worker::has_classes(spec)) spec.targets = targets;
    worker::TaskFacts found = worker::inspect_task(spec);
    spec.labels = found.labels;
    spec.data_sha256 = found.data_sha256;
    facts.tasks[spec.name] = std::move(found);
  } catch (const UsageError& error) {
    task.node.fail(fmt::format("task {}: {}", task.spec.name, error.what()));
  }
  check_task(file, task, spec);
  facts.specs[spec.name] = std::move(spec);
}

void check_filter(const Filter& filter, const GridFile& file) {
  std::vector<std::string> backbones, tasks, methods, sizes, seeds;
  for (const BackboneEntry& backbone : file.backbones) backbones.push_back(backbone.name);
  for (const TaskEntry& task : file.tasks) tasks.push_back(task.spec.name);
  for (const MethodEntry& method : file.methods) {
    for (const std::string& name : {method.spec.name, method.label}) {
      if (std::ranges::find(methods, name) == methods.end()) methods.push_back(name);
    }
  }
  for (const std::int64_t size : file.train_sizes) sizes.push_back(size == 0 ? "all" : std::to_string(size));
  for (const std::uint64_t seed : file.seeds) seeds.push_back(std::to_string(seed));
  filter.check("backbone", backbones);
  filter.check("task", tasks);
  filter.check("method", methods);
  filter.check("size", sizes);
  filter.check("seed", seeds);
}

std::string hash_of(const Grid& grid, const Overrides& overrides) {
  std::string all = grid.text;
  for (const std::string& argument : overrides.set) all += "\n--set " + argument;
  for (const std::string& argument : overrides.only) all += "\n--only " + argument;
  return checkpoint::sha256(all + fmt::format("\n{} {}", overrides.device, overrides.threads));
}

}  // namespace

Grid load_grid(const std::string& path, const Overrides& overrides, worker::WithoutWeights without) {
  Grid grid;
  grid.text = worker::read_whole_file(path, kMostGridBytes);
  grid.sha256 = hash_of(grid, overrides);
  const std::filesystem::path here = std::filesystem::current_path();
  const PathBase paths{std::filesystem::absolute(path).lexically_normal().parent_path(), here};
  const GridFile file = parse_grid(grid.text, path, overrides.set, paths);
  const Filter filter(overrides.only);
  check_filter(filter, file);
  grid.run = file.run;
  grid.compare = file.compare;
  grid.margin = file.margin;

  Facts facts;
  for (const BackboneEntry& backbone : file.backbones) {
    facts.backbones[backbone.name] = inspect(backbone, without);
  }
  for (const TaskEntry& task : file.tasks) inspect(file, task, facts);
  expand(file, facts, filter, overrides, grid);
  if (grid.trials.empty() && grid.holes.empty()) throw UsageError("--only leaves no trial of the grid");
  for (const auto& [name, task] : facts.tasks) {
    if (task.skipped_rows > 0)
      grid.warnings.push_back(fmt::format("{}: {} malformed rows left out", name, task.skipped_rows));
  }
  for (const auto& [name, backbone] : facts.backbones) {
    if (backbone.has_weights) continue;
    grid.warnings.push_back(fmt::format("{}: the folder holds no weights; this can be planned, and not run{}", name,
                                        backbone.model.pooler ? ", and a pretrained pooler is taken for granted" : ""));
  }
  grid.resolved = describe(file, facts);
  grid.backbones = std::move(facts.backbones);
  grid.tasks = std::move(facts.tasks);
  return grid;
}

}  // namespace peftgrid::orchestrator
