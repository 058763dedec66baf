#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/trial.hpp"

/// Names, options, sizes and costs of backbones, methods and tasks: what planning needs, without a tensor.
namespace peftgrid::worker {

// ---- the cache -------------------------------------------------------------------------------------------------

/// ${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid; where neither is set a folder of this user's alone beneath the system's
/// temporary one. Nothing where that is somebody else's: then there is no cache.
std::optional<std::filesystem::path> cache_folder();
/// Before the grid of a run is read: this process trains, and believes no hash that an earlier start has left. What the
/// ranks of a node hash they tell each other in `node_memory`, a folder of this job that no other user can write to;
/// empty: each process hashes for itself.
void verify_contents(const std::filesystem::path& node_memory);
/// Why nothing can be written to the cache; nothing where something can.
std::optional<std::string> trouble_with_cache();

// ---- methods ---------------------------------------------------------------------------------------------------

struct OptionInfo {
  enum class Type { Integer, Real, Text, TextList };
  std::string name;
  Type type;
  OptionValue fallback;              // the default
  double least = 0, most = 0;        // bounds of a number, both allowed
  std::vector<std::string> choices;  // what a Text or each item of a TextList may be; empty: anything
  std::string meaning;               // one line, for docs and help
};

struct MethodInfo {
  std::string name;
  std::string meaning;
  std::vector<OptionInfo> options;  // own options; `name`, `learning_rate`, `training` belong to every method
};

/// All methods, in the order tables show them.
const std::vector<MethodInfo>& methods();
/// Nullptr when there is no such method.
const MethodInfo* find_method(const std::string& name);

// ---- backbones -------------------------------------------------------------------------------------------------

/// What a pretrained folder holds, from its config.json, tensor headers and side files.
struct BackboneFacts {
  std::string architecture;           // "bert"
  std::string default_readout;        // docs/grid_file.md, `readout`
  std::vector<std::string> readouts;  // those it offers
  std::int64_t layers = 0, width = 0, ffn_width = 0, heads = 0, max_positions = 0, vocabulary = 0;
  std::int64_t parameters = 0;  // of the base, without any head
  std::int64_t file_bytes = 0;
  std::string dtype;                         // of the word embeddings: F32 | F16 | BF16
  bool has_pooler = false;                   // a pretrained one
  std::vector<std::string> ignored_tensors;  // in the file, not asked for
  std::string weights_sha256, tokenizer_sha256;
};

/// Reads and checks a Hugging Face folder. Hashes are cached by path, size and time of change.
/// Throws UsageError naming folder, file and tensor when something is missing, of a wrong shape or unknown.
BackboneFacts inspect_backbone(const std::string& path);

/// Why this method cannot run on this backbone read so, if it cannot: a stated hole, never an error.
std::optional<std::string> does_not_apply(const MethodSpec& method, const BackboneFacts& backbone,
                                          const std::string& readout);
/// Checks options against the backbone (a rank larger than the layer). Throws UsageError.
void check_method(const MethodSpec& method, const BackboneFacts& backbone);
/// The rate for this method and size class; a regression on standardized targets has rates of its own where they were
/// swept (docs/methods.md).
double default_learning_rate(const std::string& method, const TaskSpec& task, const BackboneFacts& backbone);
/// Do this size class's rates come from the committed sweep? Else they are customary ones.
bool rates_are_swept(const BackboneFacts& backbone);

struct ParameterCounts {
  std::int64_t method = 0;  // trained, the head left out
  std::int64_t head = 0;    // classifier, and a new pooler where there was none
};
ParameterCounts count_trained(const TrialSpec& spec, const BackboneFacts& backbone);

/// Arithmetic of one training step's real token, and of one evaluated token, in FLOP; attention included at `length`.
struct TokenCost {
  double training = 0, evaluation = 0;
  /// The parts of both with weights that train: in fp32 whatever the precision.
  double training_trained = 0, evaluation_trained = 0;
};
TokenCost token_cost(const TrialSpec& spec, const BackboneFacts& backbone, double length);

/// What one rank does on large products. Where nothing was measured: oneDNN on one core of a server of 2024.
struct ProductSpeed {
  double gflops = 200;   // in fp32
  double bf16_gain = 2;  // how many times as fast they are in bf16
};

// ---- tasks -----------------------------------------------------------------------------------------------------

/// Names of the built-in tasks: cola sst2 mrpc stsb qqp mnli qnli rte wnli.
std::vector<std::string> glue_tasks();
/// The spec of a built-in task whose folder lies under `data`. Folder names as GLUE ships them ("SST-2") in any case.
/// Throws UsageError naming the folder or file that is missing.
TaskSpec glue_task(const std::string& name, const std::string& data);

/// Names of all metrics, and those that a kind of task may use.
std::vector<std::string> metric_names(const std::string& kind);

struct TaskFacts {
  std::int64_t train_rows = 0, validation_rows = 0;
  std::vector<std::int64_t> test_rows;     // per test file
  std::vector<std::string> labels;         // found in the training file, or as given
  std::vector<double> train_share;         // per label
  std::vector<std::int32_t> train_labels;  // of each training row, by index; empty for regression
  double mean_characters = 0;              // of a training row's texts together: for costs
  std::int64_t skipped_rows = 0;           // malformed ones of files where that is known (QQP)
  std::string data_sha256;
};
/// Reads all files of a task whole and checks every row. Fills the label set: of the training file, sorted (numbers by
/// value), unless `task.labels` names it. Throws UsageError with file, line, what is wrong and what would be right.
TaskFacts inspect_task(const TaskSpec& task);
/// Labels that no row among a trial's training rows has.
std::vector<std::string> missing_labels(const TrialSpec& spec, const TaskFacts& task);

}  // namespace peftgrid::worker
