#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/backbones/architecture.hpp"
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
  /// The method did not have it at first: with its default a trial keeps the id that it had without.
  bool later = false;
};

struct MethodInfo {
  std::string name;
  std::string meaning;
  std::vector<OptionInfo> options;  // own options; `name`, `learning_rate`, `training` belong to every method
  /// Of a method that joins others: sets of these, whose best on each task its paper shows beside it.
  std::vector<std::vector<std::string>> upper_bounds = {};
};

/// All methods, in the order tables show them.
const std::vector<MethodInfo>& methods();
/// The method that other programs call so, "prefix-tuning"; empty when none is.
std::string method_called(const std::string& name);
/// Nullptr when there is no such method.
const MethodInfo* find_method(const std::string& name);

/// How a paper trained and measured: defaults that a grid takes over with `protocol: NAME`. Whatever the grid states
/// itself wins.
struct Protocol {
  std::string name;
  TrainingSpec training;                      // but for the learning rate, which is the method's: published_rate
  SelectionSpec selection, selection_of_all;  // of a sample, and where all rows train
  std::string targets;                        // of a regression
};
/// The program's own defaults where `name` is empty; null for a name that is none.
const Protocol* find_protocol(const std::string& name);
std::vector<std::string> protocol_names();
/// The rate that a protocol's authors trained a method of a large backbone with; nothing where they did not.
std::optional<double> published_rate(const std::string& method, const std::string& protocol);

// ---- backbones -------------------------------------------------------------------------------------------------

/// What of a row's hidden states a head may read (docs/grid_file.md, `readout`).
std::vector<std::string> readouts();

/// What a pretrained folder holds, from its config.json, tensor headers and side files.
struct BackboneFacts {
  ModelFacts model;             // with its pretrained pooler, where it has one
  ModelFacts without_pooler;    // as readouts that go past the pooler take it
  ModelFacts with_output;       // as trials that predict next tokens take it
  std::string no_output;        // why there is no table to predict them with, though there could be; else empty
  std::string default_readout;  // one of readouts(); empty: the folder states one that this program lacks
  std::string readout_origin = "default", readout_refusal;  // what states it; and where it is empty, what to do
  std::string truncation_side = "right",
              truncation_origin = "default";  // which end of long rows is cut, and who says so
  std::int64_t longest_row = 0;               // in tokens, as the folder bounds them; 0: it does not
  std::string longest_key;                    // what states that
  std::vector<std::string> head_labels;  // of a head of its own, in its outputs' order, where config.json names them
  std::vector<std::string> notes;        // what the folder states and is not done, with file and key
  std::int64_t file_bytes = 0;
  bool has_weights = true;                   // else it can be planned, and not run
  std::string dtype;                         // of the word embeddings: F32 | F16 | BF16
  std::vector<std::string> ignored_tensors;  // in the file, not asked for
  std::string weights_sha256, tokenizer_sha256;

  BackboneFacts() = default;
  BackboneFacts(const Architecture& architecture, const ModelConfig& config, bool pooler);
  /// As a trial reads it.
  const ModelFacts& as_read(const TrialSpec& spec) const;
};

/// What is wrong with a readout that this architecture lacks, and which would be right.
std::string no_such_readout(const Architecture& architecture, const std::string& readout);

/// Is a folder that holds a config.json, but no weights, refused? Where it is not, it is planned as if it held all that
/// its architecture may have, pooler included; its tokenizer may be missing, too.
enum class WithoutWeights { Refused, Planned };
/// Reads and checks a Hugging Face folder. Hashes are cached by path, size and time of change.
/// Throws UsageError naming folder, file and tensor when something is missing, of a wrong shape or unknown.
BackboneFacts inspect_backbone(const std::string& path, WithoutWeights without = WithoutWeights::Refused);

/// Where the folder's own head names the task's classes in another order than the task: the sentence that says so.
std::optional<std::string> unlike_label_order(const BackboneFacts& backbone, const TaskSpec& task);

/// Why this trial's method cannot run on its backbone read so, if it cannot: a stated hole, never an error.
std::optional<std::string> does_not_apply(const TrialSpec& spec, const BackboneFacts& backbone);
/// Options of the trial's method whose value is as good as their default here: of this backbone it changes nothing.
std::vector<std::string> idle_options(const TrialSpec& spec, const BackboneFacts& backbone);
/// Parts of the backbone that the method's options name beside others, and that this one has not: "ffn_gate".
std::vector<std::string> absent_parts(const TrialSpec& spec, const BackboneFacts& backbone);
/// What is wrong whatever the options of the method: an input that the backbone cannot have, no table to predict tokens
/// with. Throws UsageError.
void check_backbone(const TrialSpec& spec, const BackboneFacts& backbone);
/// Throws UsageError where `max_length` alone is more than the backbone's positions.
void check_length(const TrialSpec& spec, const BackboneFacts& backbone);
/// Checks options against the backbone: a rank larger than the layer, a prompt that leaves no positions for rows.
/// Throws UsageError.
void check_method(const TrialSpec& spec, const BackboneFacts& backbone);
/// The rate for this method and size class; a regression on standardized targets has rates of its own where they were
/// swept (docs/methods.md).
double default_learning_rate(const MethodSpec& method, const TaskSpec& task, const BackboneFacts& backbone);
/// Is it of a size class whose rate a committed sweep chose? A large one's is customary.
bool has_swept_rate(const MethodSpec& method, const BackboneFacts& backbone);

struct ParameterCounts {
  std::int64_t method = 0;  // trained, the head left out
  std::int64_t head = 0;    // of it, what trains: classifier, and a new pooler where there was none
  std::int64_t stored = 0;  // of the method, as `keep: adapters` keeps it: folded, copies of the base left out
};
ParameterCounts count_trained(const TrialSpec& spec, const BackboneFacts& backbone);

/// Does the base run in evaluation mode, so that what it gives for a row is computed once?
bool computes_features_once(const TrialSpec& spec, const BackboneFacts& backbone);
/// Do reports measure other methods against this one?
bool is_baseline(const MethodSpec& method);
/// Does nothing train, so that there is one trial whatever the seed and the size?
bool is_untrained(const std::string& method);

/// Arithmetic of one training step's real token, and of one evaluated token, in FLOP; attention included at `length`.
struct TokenCost {
  double training = 0, evaluation = 0;
  /// The parts of both with weights that train: in fp32 whatever the precision.
  double training_trained = 0, evaluation_trained = 0;
  double training_pass = 0;  // of a micro-batch's forward and backward pass, whatever its tokens; in fp32
  double training_target = 0, evaluation_target = 0;  // of a target token, over the vocabulary; in fp32
};
TokenCost token_cost(const TrialSpec& spec, const BackboneFacts& backbone, double length);

/// What one rank does on large products. Where nothing was measured: oneDNN on one core of a server of 2024.
struct ProductSpeed {
  double gflops = 200;   // in fp32
  double bf16_gain = 2;  // how many times as fast they are in bf16
  double beside = 0.3;   // what a step takes besides them, over their time in fp32: norms, activations, attention
};

// ---- tasks -----------------------------------------------------------------------------------------------------

/// Names of the built-in tasks: cola sst2 mrpc stsb qqp mnli qnli rte wnli.
std::vector<std::string> glue_tasks();
/// The format that a file's name tells by its ending: "tsv", "csv" or "jsonl"; empty where it does not.
std::string format_of(const std::string& path);
/// Those that GLUE's papers report: all but WNLI, on which nothing beats the majority class.
std::vector<std::string> glue_suite();
/// The spec of a built-in task whose folder lies under `data`. Folder names as GLUE ships them ("SST-2") in any case.
/// Throws UsageError naming the folder or file that is missing.
TaskSpec glue_task(const std::string& name, const std::string& data);

/// A kind of task.
struct KindInfo {
  /// What a row's label is: a class, a value, one of the row's own choices, or a number of tokens.
  enum class Labels : std::uint8_t { Classes, Values, Choices, Tokens };
  std::string name;
  Labels labels = Labels::Classes;
  std::vector<std::string> metrics, default_metrics;  // those it may use, and what it uses unless told
};
const std::vector<KindInfo>& task_kinds();
/// Null when there is no such kind.
const KindInfo* find_kind(const std::string& kind);
/// What its rows' labels are; values of a kind that this program does not know.
KindInfo::Labels label_form(const TaskSpec& task);
bool has_classes(const TaskSpec& task);
/// Numbers that decide a row. Throws UsageError for a kind that is none.
std::int64_t outputs_of(const TaskSpec& task);

/// The slot of a language model's template that stands for what is to be said.
inline constexpr const char* kAnswerSlot = "answer";
/// The slots of a template, in the order of their first use, each once. Throws UsageError for braces that are none.
std::vector<std::string> template_slots(const std::string& text);

/// What a backbone's tokenizer makes of a task's training rows, on average.
struct RowFacts {
  double sequences = 1;  // of a row
  double tokens = 0;     // of a sequence
  double targets = 0;    // of these, those that are predicted from the ones before
};

struct TaskFacts {
  std::int64_t train_rows = 0, validation_rows = 0;
  std::vector<std::int64_t> test_rows;     // per test file
  std::vector<std::string> labels;         // found in the training file, or as given
  std::vector<double> train_share;         // per label
  std::vector<std::int32_t> train_labels;  // of each training row, by index; empty for regression
  std::vector<double> train_values;        // of each training row of a regression
  bool constant_validation = false;        // all rows of the validation file have one label or value
  std::vector<std::string> notes;          // what a user should know of the files: labels that look alike, quotes
  double mean_characters = 0;              // of a training row's texts together: for costs
  std::map<std::string, RowFacts> rows;    // by backbone, where its folder has a tokenizer
  std::int64_t skipped_rows = 0;           // malformed ones of files where that is known (QQP)
  std::string data_sha256;
};
/// Reads all files of a task whole and checks every row. Fills the label set: of the training file, sorted (numbers by
/// value), unless `task.labels` names it. Throws UsageError with file, line, what is wrong and what would be right.
TaskFacts inspect_task(const TaskSpec& task);
/// Rows that a trial trains on.
std::int64_t training_rows(const TrialSpec& spec, const TaskFacts& task);
/// Do all of a trial's selection rows have one label, or one value? Then no step is better than another.
bool selects_among_equals(const TrialSpec& spec, const TaskFacts& task);
/// Labels that no row among a trial's training rows has.
std::vector<std::string> missing_labels(const TrialSpec& spec, const TaskFacts& task);

/// What the tokens of a task's rows are like, and what a user should know of them.
struct InspectedRows {
  RowFacts facts;
  std::vector<std::string> notes;
};
/// Tokenizes all rows of a trial's task, through the cache. Notes how many are cut, and on which side, how many hold no
/// token of their own, how many that score are trained on, too. Throws UsageError for what no trial could run on: a row
/// without any token (file and line), a token or a type that the model's tables lack, a readout of a special token that
/// the tokenizer does not set.
InspectedRows inspect_rows(const TrialSpec& spec, const BackboneFacts& backbone);
/// Throws UsageError where the trial's method starts from a text that has no token.
void check_starting_text(const TrialSpec& spec);

}  // namespace peftgrid::worker
