#include "orchestrator/grid/grid_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>

#include "orchestrator/grid/overrides.hpp"
#include "orchestrator/grid/synonyms.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr double kMostRows = 1e12;
constexpr auto kMostSeed = static_cast<double>(std::numeric_limits<std::int64_t>::max());
constexpr double kMostSeeds = 100'000;

const Node& required(const Node& root, const char* key, const char* example) {
  const Node* node = root.find(key);
  if (node == nullptr) root.fail(fmt::format("the grid has no key \"{}\"; it needs one, like `{}`", key, example));
  return *node;
}

/// A backbone may be named by its weights' file, whose folder it is.
std::string folder_of(const Node& node, const std::string& path) {
  const std::filesystem::path file = path;
  const std::string name = file.filename().string();
  const bool weights = name.ends_with(".safetensors");
  if (!weights && name != "model.safetensors.index.json") return path;
  if (weights && name != "model.safetensors" && !name.starts_with("model-")) {
    node.fail(fmt::format("the weights of a backbone are model.safetensors (or its shards); {} would not be read",
                          worker::in_quotes(name)));
  }
  const bool there = std::filesystem::exists(file);
  if (!there && std::filesystem::exists(file.parent_path())) node.fail(file.string() + ": no such file");
  return file.parent_path().string();
}

BackboneEntry read_backbone(const Node& node, const PathBase& paths) {
  BackboneEntry entry;
  entry.node = node;
  if (node.kind == Node::Kind::Map) {
    check_keys(node, "a backbone", {"name", "path", "readout", "truncation_side", "input"});
    const Node* path = node.find("path");
    if (path == nullptr) node.fail("this backbone has no path; give the Hugging Face folder");
    entry.written = text_of(*path, "path");
    entry.path = folder_of(*path, paths.absolute(*path, "path"));
    if (const Node* side = node.find("truncation_side")) {
      entry.truncation_side = choice_of(*side, "truncation_side", {"right", "left"});
      entry.truncation_origin = side->origin;
    }
    if (const Node* input = node.find("input")) {
      entry.input = choice_of(*input, "input", {worker::kInputPlain, worker::kInputGpt1});
      entry.input_origin = input->origin;
    }
    if (const Node* readout = node.find("readout")) {
      entry.readout = choice_of(*readout, "readout", worker::readouts());
      entry.readout_origin = readout->origin;
    }
  } else {
    entry.written = text_of(node, "a backbone");
    entry.path = folder_of(node, paths.absolute(node, "a backbone"));
  }
  const Node* name = node.find("name");
  entry.name = name ? name_of(*name, "name") : std::filesystem::path(entry.path).filename().string();
  return entry;
}

std::vector<BackboneEntry> read_backbones(const Node& node, const PathBase& paths) {
  std::vector<BackboneEntry> all;
  for (const Node* item : items_of(node, "backbones")) {
    all.push_back(read_backbone(*item, paths));
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
      if (all[i].name == all.back().name) {
        item->fail(
            fmt::format("two backbones are called {}; give them different names", worker::in_quotes(all[i].name)));
      }
    }
  }
  return all;
}

std::vector<std::int64_t> read_sizes(const Node& node) {
  std::vector<std::int64_t> sizes;
  for (const Node* item : items_of(node, "train_sizes")) {
    const bool all = item->kind == Node::Kind::Scalar && item->scalar == "all";
    if (!all && item->kind == Node::Kind::Scalar && !worker::parse_number(item->scalar)) {
      item->fail(fmt::format("a training size is {}; a number of rows, or all, would be right",
                             worker::in_quotes(item->scalar)));
    }
    sizes.push_back(all ? 0 : integer_of(*item, "a training size", 1, kMostRows));
    if (std::ranges::count(sizes, sizes.back()) > 1) item->fail("this training size is here twice");
  }
  return sizes;
}

std::vector<std::uint64_t> read_seeds(const Node& node) {
  std::vector<std::uint64_t> seeds;
  if (node.kind != Node::Kind::List) {
    const std::int64_t count = integer_of(node, "seeds", 1, kMostSeeds);
    for (std::int64_t seed = 1; seed <= count; ++seed) seeds.push_back(static_cast<std::uint64_t>(seed));
    return seeds;
  }
  std::set<std::uint64_t> seen;
  for (const Node* item : items_of(node, "seeds")) {
    seeds.push_back(static_cast<std::uint64_t>(integer_of(*item, "a seed", 0, kMostSeed)));
    if (!seen.insert(seeds.back()).second) item->fail(fmt::format("the seed {} is here twice", seeds.back()));
  }
  return seeds;
}

worker::SelectionSpec read_selection(const Node& node, worker::SelectionSpec selection) {
  const std::vector<std::string> sources = {"rows", "validation", "reported", "none"};
  if (node.kind == Node::Kind::Map) {
    check_keys(node, "selection", {"from", "rows", "every", "patience"});
    if (const Node* from = node.find("from")) selection.from = choice_of(*from, "from", sources);
    const Node* rows = node.find("rows");
    if (rows != nullptr) selection.rows = integer_of(*rows, "rows", 1, kMostRows);
    if (rows != nullptr && selection.from != "rows") rows->fail("rows are kept out of train only with `from: rows`");
    const Node* every = node.find("every");
    if (every != nullptr && every->scalar != "epoch") {
      if (!worker::parse_number(every->scalar))
        every->fail("every is " + worker::in_quotes(every->scalar) + "; epoch, or a number of steps, would be right");
      selection.every_steps = integer_of(*every, "every", 1, kMostRows);
    }
    if (const Node* patience = node.find("patience"))
      selection.patience = integer_of(*patience, "patience", 0, kMostRows);
  } else {
    selection.from = choice_of(node, "selection", sources);
  }
  // What does not apply is cleared, so that equal work has an equal trial id.
  if (selection.from != "rows") {
    selection.rows = 0;
    selection.order = worker::SelectionSpec().order;
  }
  if (selection.from == "none") selection.every_steps = selection.patience = 0;
  return selection;
}

const std::vector<std::string> kTopLevel = {"run",         "protocol", "backbones", "data",      "tasks", "methods",
                                            "train_sizes", "seeds",    "data_seed", "precision", "width", "training",
                                            "selection",   "keep",     "logits",    "compare",   "margin"};

/// How to train is a map of its own; users of other programs look for its keys beside the others.
void check_top_level(const Node& root) {
  std::vector<std::string> training;
  for (const TrainingKey& key : training_keys()) training.push_back(key.name);
  for (const Node::Entry& entry : root.entries) {
    if (std::ranges::find(kTopLevel, entry.key) != kTopLevel.end()) continue;
    const bool exact = std::ranges::find(training, entry.key) != training.end();
    const std::string meant = exact ? entry.key : meant_by(entry.key, training);
    if (meant.empty()) continue;
    entry.key_node.fail(fmt::format("the grid has no key {}; it goes into `training: {{{}: ...}}`",
                                    worker::in_quotes(entry.key), meant));
  }
  check_keys(root, "the grid", kTopLevel);
}

void read_scalars(const Node& root, GridFile& grid) {
  if (const Node* run = root.find("run")) grid.run = name_of(*run, "run");
  if (const Node* protocol = root.find("protocol"))
    grid.protocol = choice_of(*protocol, "protocol", worker::protocol_names());
  if (const Node* precision = root.find("precision"))
    grid.precision = choice_of(*precision, "precision", {"fp32", "bf16"});
  if (const Node* keep = root.find("keep")) grid.keep = choice_of(*keep, "keep", {"adapters", "all", "none"});
  if (const Node* logits = root.find("logits")) grid.logits = boolean_of(*logits, "logits");
  if (const Node* width = root.find("width")) grid.width = width_of(*width);
  if (const Node* margin = root.find("margin")) grid.margin = margin_of(*margin);
  const Node* data_seed = root.find("data_seed");
  if (data_seed != nullptr && data_seed->scalar != "same") {
    if (!worker::parse_number(data_seed->scalar))
      data_seed->fail("data_seed is " + worker::in_quotes(data_seed->scalar) +
                      "; same, or a whole number, would be right");
    grid.data_seed = static_cast<std::uint64_t>(integer_of(*data_seed, "data_seed", 0, kMostSeed));
  }
}

}  // namespace

std::string PathBase::absolute(const Node& node, const std::string& key) const {
  std::string text = text_of(node, key);
  const char* home = std::getenv("HOME");
  if (text.starts_with("~/") && home != nullptr) text.replace(0, 1, home);
  const std::filesystem::path path = text;
  const std::filesystem::path& base = node.on_command_line ? working_directory : grid_folder;
  std::string joined = (base / path).lexically_normal().string();
  while (joined.size() > 1 && joined.back() == '/') joined.pop_back();
  return joined;
}

GridFile parse_grid(std::string_view text, const std::string& name, const std::vector<std::string>& set,
                    const PathBase& paths) {
  GridFile grid;
  Node root = parse_yaml(text, name);
  if (root.kind == Node::Kind::Empty) root.fail("the grid is empty; docs/grid_file.md shows one");
  check_top_level(root);
  for (const std::string& argument : set) set_value(root, argument);
  check_top_level(root);
  for (const Node::Entry& entry : root.entries) grid.origins[entry.key] = entry.value.origin;

  grid.run = std::filesystem::path(name).stem().string();
  read_scalars(root, grid);
  if (const Node* data = root.find("data")) grid.data = paths.absolute(*data, "data");
  grid.backbones = read_backbones(required(root, "backbones", "backbones: [models/minilm]"), paths);
  grid.tasks = read_tasks(required(root, "tasks", "tasks: [sst2]"), paths);
  grid.methods = read_methods(required(root, "methods", "methods: [full, lora]"));
  label_methods(grid.methods);
  if (const Node* compare = root.find("compare")) grid.compare = read_compare(*compare, grid.methods);
  if (const Node* training = root.find("training")) grid.training = TrainingLayer(*training);
  const worker::Protocol& protocol = *worker::find_protocol(grid.protocol);
  grid.selection = protocol.selection;
  grid.selection_of_all = protocol.selection_of_all;
  if (const Node* selection = root.find("selection")) {
    grid.selection = grid.selection_of_all = read_selection(*selection, protocol.selection);
  }
  const Node* sizes = root.find("train_sizes");
  grid.train_sizes = sizes ? read_sizes(*sizes) : std::vector<std::int64_t>{0};
  const Node* seeds = root.find("seeds");
  grid.seeds = seeds ? read_seeds(*seeds) : std::vector<std::uint64_t>{1, 2, 3, 4, 5};
  for (const TaskEntry& task : grid.tasks) {
    if (task.built_in && grid.data.empty()) {
      task.node.fail(
          fmt::format("the built-in task {} needs the key `data`: the folder that holds GLUE", task.spec.name));
    }
  }
  grid.root = std::move(root);
  return grid;
}

}  // namespace peftgrid::orchestrator
