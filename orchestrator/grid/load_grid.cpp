#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

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

/// "org/model" of a page's or the hub's own address; else the text as it is.
std::string without_site(std::string name) {
  for (const std::string_view site :
       {"https://huggingface.co/", "http://huggingface.co/", "huggingface.co/", "hf://"}) {
    if (name.starts_with(site)) return name.substr(site.size());
  }
  return name;
}

/// A path as a command takes it: short where it lies in the working directory.
std::string as_argument(const std::filesystem::path& path, const PathBase& paths) {
  const std::filesystem::path relative = path.lexically_relative(paths.working_directory);
  return (relative.empty() || relative.begin()->string() == ".." ? path : relative).string();
}

/// A folder that is not there may be a name on the Hugging Face hub: nothing of the grid is ever fetched.
std::string hub_hint(const BackboneEntry& backbone, const PathBase& paths) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  const std::string name = without_site(backbone.written);
  const auto slashes = std::ranges::count(name, '/');
  const bool letters = std::ranges::all_of(name, [&](char c) { return plain(c) || c == '/'; });
  const std::filesystem::path parent = std::filesystem::path(backbone.path).parent_path();
  std::error_code error;
  const bool there =
      std::filesystem::symlink_status(backbone.path, error).type() != std::filesystem::file_type::not_found;
  // With a folder of that name beside the grid, the name within is the mistake.
  const bool may_be = name != backbone.written ||
                      (slashes == 0 ? name.find('-') != std::string::npos : !std::filesystem::exists(parent, error));
  if (there || !letters || name.empty() || slashes > 1 || name.front() == '.' || name.front() == '/' || !may_be)
    return {};
  const std::filesystem::path folder = "models" / std::filesystem::path(name).filename();
  const std::filesystem::path& from = backbone.node.on_command_line ? paths.working_directory : paths.grid_folder;
  return fmt::format(
      "; if {} is a name on the Hugging Face hub, fetch it first: `hf download {} --local-dir {}`, and name {} here",
      name, name, as_argument(from / folder, paths), folder.string());
}

worker::BackboneFacts inspect(const BackboneEntry& backbone, worker::WithoutWeights without, const PathBase& paths) {
  try {
    worker::BackboneFacts facts = worker::inspect_backbone(backbone.path, without);
    if (backbone.readout.empty() && facts.default_readout.empty()) throw UsageError(facts.readout_refusal);
    const worker::Architecture& architecture = *facts.model.architecture;
    if (!backbone.readout.empty() && !architecture.has_readout(backbone.readout)) {
      throw UsageError(worker::no_such_readout(architecture, backbone.readout));
    }
    return facts;
  } catch (const UsageError& error) {
    backbone.node.fail(fmt::format("backbone {}: {}{}", backbone.name, error.what(), hub_hint(backbone, paths)));
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
    if (!task.origins.contains("targets") && worker::label_form(spec) == worker::KindInfo::Labels::Values)
      spec.targets = targets;
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

/// What folders and files state, in the grid's order.
void note_files(const GridFile& file, const Facts& facts, Grid& grid) {
  for (const BackboneEntry& backbone : file.backbones) {
    const worker::BackboneFacts& known = facts.backbones.at(backbone.name);
    for (const std::string& note : known.notes) grid.notes.push_back(backbone.name + ": " + note);
    for (const TaskEntry& task : file.tasks) {
      if (const auto unlike = worker::unlike_label_order(known, facts.specs.at(task.spec.name)))
        grid.notes.push_back(backbone.name + ": " + *unlike);
    }
  }
  for (const TaskEntry& task : file.tasks) {
    for (const std::string& note : facts.tasks.at(task.spec.name).notes)
      grid.notes.push_back(task.spec.name + ": " + note);
  }
}

const Node& node_of(const GridFile& file, const worker::TrialSpec& spec) {
  return std::ranges::find(file.tasks, spec.task.name, [](const TaskEntry& task) { return task.spec.name; })->node;
}

/// Tokenizes each task once for each way in which it is read, keeps what its rows are like, and says what became of
/// them.
void note_rows(const GridFile& file, Facts& facts, Grid& grid) {
  std::set<std::string> seen;
  for (const worker::TrialSpec& spec : grid.trials) {
    const worker::BackboneFacts& backbone = facts.backbones.at(spec.backbone.name);
    const std::string place = spec.task.name + " on " + spec.backbone.name;
    if (backbone.tokenizer_sha256.empty()) continue;
    try {
      if (seen.insert(spec.backbone.name + "\n" + spec.label).second) worker::check_starting_text(spec);
      if (!seen.insert(fmt::format("{}\n{}\n{}", place, spec.backbone.input, spec.training.max_length)).second)
        continue;
      const worker::InspectedRows inspected = worker::inspect_rows(spec, backbone);
      facts.tasks.at(spec.task.name).rows[spec.backbone.name] = inspected.facts;
      for (const std::string& note : inspected.notes) {
        if (seen.insert(place + note).second) grid.notes.push_back(fmt::format("{}: {}", place, note));
      }
    } catch (const UsageError& error) {
      node_of(file, spec).fail(fmt::format("task {}: {}", place, error.what()));
    }
  }
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
  for (const TaskEntry& task : file.tasks) {
    if (task.margin) grid.task_margins[task.spec.name] = *task.margin;
  }

  Facts facts;
  for (const BackboneEntry& backbone : file.backbones) {
    facts.backbones[backbone.name] = inspect(backbone, without, paths);
  }
  for (const TaskEntry& task : file.tasks) inspect(file, task, facts);
  expand(file, facts, filter, overrides, grid);
  if (grid.trials.empty() && grid.holes.empty()) throw UsageError("--only leaves no trial of the grid");
  if (grid.trials.empty()) {
    const Hole& hole = grid.holes.front();
    throw UsageError(fmt::format("nothing of the grid can be run; {} of {} on {}: {}", hole.label, hole.task,
                                 hole.backbone, hole.reason));
  }
  for (const auto& [name, task] : facts.tasks) {
    if (task.skipped_rows > 0)
      grid.warnings.push_back(fmt::format("{}: {} malformed rows left out", name, task.skipped_rows));
  }
  for (const auto& [name, backbone] : facts.backbones) {
    if (backbone.has_weights) continue;
    grid.warnings.push_back(fmt::format("{}: the folder holds no weights; this can be planned, and not run{}", name,
                                        backbone.model.pooler ? ", and a pretrained pooler is taken for granted" : ""));
  }
  note_files(file, facts, grid);
  note_rows(file, facts, grid);
  grid.resolved = describe(file, facts);
  grid.backbones = std::move(facts.backbones);
  grid.tasks = std::move(facts.tasks);
  return grid;
}

}  // namespace peftgrid::orchestrator
