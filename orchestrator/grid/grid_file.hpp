#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/grid/grid.hpp"
#include "orchestrator/grid/training.hpp"
#include "orchestrator/grid/yaml.hpp"
#include "worker/trial.hpp"

/// A grid file as read: every key and value checked, paths made absolute, but nothing that a path names has been looked
/// at.
namespace peftgrid::orchestrator {

struct BackboneEntry {
  Node node;  // for messages
  std::string name, path;
  std::string readout;  // empty: the folder's default
  std::string readout_origin;
  std::string truncation_side, truncation_origin;  // as `readout`
  std::string input, input_origin;                 // as `readout`
  std::string written;                             // `path` as the grid has it
};

struct TaskEntry {
  Node node;
  bool built_in = false;  // of `spec` only the name (and metrics and targets, where given) is set
  worker::TaskSpec spec;
  std::optional<double> margin;                // as Grid::task_margins
  std::map<std::string, std::string> origins;  // of its keys, where given
  TrainingLayer training;
};

/// One cell's method: lists of values are expanded already.
struct MethodEntry {
  Node node;
  worker::MethodSpec spec;
  std::map<std::string, std::string> origins;  // of its options, where given
  std::string name;                            // `name`, or the method's
  std::string label;                           // unique in the grid
  std::optional<double> learning_rate;
  std::string rate_origin;
  std::optional<std::int64_t> width;  // as GridFile's
  TrainingLayer training;
};

struct GridFile {
  std::string run;
  std::string protocol;  // whose defaults hold; empty: the program's own
  std::string data;      // folder of the built-in tasks; empty when not given
  std::vector<BackboneEntry> backbones;
  std::vector<TaskEntry> tasks;
  std::vector<MethodEntry> methods;
  std::vector<std::int64_t> train_sizes;  // 0: all
  std::vector<std::uint64_t> seeds;
  std::optional<std::uint64_t> data_seed;  // nothing: the same as the seed
  std::string precision = "fp32", keep = "adapters";
  bool logits = false;               // as TrialSpec's
  std::int64_t width = 1;            // ranks that share a trial; 0: the plan chooses
  std::vector<std::string> compare;  // labels of the methods that are compared, the baseline first; empty: all
  double margin = kDefaultMargin;    // points that matter
  TrainingLayer training;
  worker::SelectionSpec selection, selection_of_all;  // of a sample, and where all rows train
  std::map<std::string, std::string> origins;         // of the top-level keys, where given
  Node root;                                          // for messages
};

/// Where a grid's relative paths count from. Values of `--set` count from the working directory instead.
struct PathBase {
  std::filesystem::path grid_folder, working_directory;
  std::string absolute(const Node& node, const std::string& key) const;
};

/// Reads a grid's text with the `--set` arguments laid over it. `name` is the file's name for messages.
/// Throws worker::UsageError with place, what is wrong and what would be right.
GridFile parse_grid(std::string_view text, const std::string& name, const std::vector<std::string>& set,
                    const PathBase& paths);

/// Labels that `compare` names, each once and in its order: labels, or methods' names, which stand for all of their
/// labels.
std::vector<std::string> read_compare(const Node& node, const std::vector<MethodEntry>& methods);
/// The parts of it that have a file of their own.
std::vector<TaskEntry> read_tasks(const Node& node, const PathBase& paths);
std::vector<MethodEntry> read_methods(const Node& node);
/// Gives every method its label: its name, and where names are equal the options that differ. Throws when equal even
/// so.
void label_methods(std::vector<MethodEntry>& methods);

}  // namespace peftgrid::orchestrator
