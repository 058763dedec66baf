#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "worker/errors.hpp"
#include "worker/objectives/kinds.hpp"

namespace peftgrid::worker {

/// Part of every trial id: raised whenever a change of the program changes a trial's numbers. Where one type of
/// processor alone rounds otherwise from then on, that type gets another name instead (cpu_type), which reports tell
/// apart.
inline constexpr int kNumericsVersion = 4;

/// What a method's option holds: `rank: 8`, `dropout: 0.1`, `init: random`, `targets: [query, value]`.
using OptionValue = std::variant<std::int64_t, double, std::string, std::vector<std::string>>;

struct MethodSpec {
  std::string name;                            // a name of catalogue.hpp, "lora"
  std::map<std::string, OptionValue> options;  // every option of the method, defaults filled in
  bool operator==(const MethodSpec&) const = default;
};

struct BackboneSpec {
  std::string name;                       // as the report shows it
  std::string path;                       // a Hugging Face folder, absolute
  std::string architecture;               // "bert"
  std::string readout;                    // pooler | cls | mean | last
  std::string weights_sha256;             // over the tensors' files and config.json
  std::string tokenizer_sha256;           // of tokenizer.json, and of what tokenizer_config.json changes of it
  std::string truncation_side = "right";  // the end of a row that is too long: right | left
  std::string input = kInputPlain;        // plain | gpt1
  std::int64_t vocabulary = 0;            // of a language model: among so many tokens it tells the next one
  bool operator==(const BackboneSpec&) const = default;
};

/// A column of a table: by name where the file has a header, by index from 0 where it has none.
struct Column {
  std::string name;
  int index = -1;
  bool operator==(const Column&) const = default;
};

struct TestFile {
  std::string name;  // "test"; MNLI has "matched" and "mismatched"
  std::string path;
  bool operator==(const TestFile&) const = default;
};

struct TaskSpec {
  std::string name;
  std::string kind = kClassification;  // a name of objectives.inc
  std::string format;                  // tsv | csv | jsonl
  std::string delimiter;               // of tsv and csv, one byte; empty: a tab, a comma
  bool header = true;                  // CoLA has none
  std::string train, validation;       // paths, absolute; validation may be empty
  std::vector<TestFile> tests;         // the first is tabulated
  std::vector<Column> text;            // one or two; of a choice one or more; of a language model those of its template
  std::vector<Column> choices;         // of a choice
  Column label;                        // of a language model the answer's text
  std::string text_template;           // of a language model
  std::string loss = "answer";         // of a language model: over the tokens of the answer, or all
  bool symmetric = false;              // a pair means the same in both orders: with `input: gpt1` both are read
  std::vector<std::string> labels;     // the label set in the order of the logits; empty for regression
  std::vector<std::string> metrics;    // the first is tabulated and selects
  std::string targets = "raw";         // of a regression: raw | standardized (by the trial's training rows)
  bool test_is_dev = false;            // GLUE: test is the official dev set
  std::string data_sha256;             // of all files, in the order train, validation, tests
  bool operator==(const TaskSpec&) const = default;
};

struct TrainingSpec {
  double learning_rate = 0;
  std::int64_t epochs = 10;
  std::int64_t max_steps = 0;  // more than 0: instead of epochs
  std::int64_t batch_size = 16;
  std::int64_t accumulate = 1;  // micro-batches of batch_size a step
  std::int64_t max_length = 128;
  std::string schedule = "linear";  // linear | cosine | constant
  double warmup = 0;                // below 1: share of the steps; else steps
  double weight_decay = 0.01;
  double clip = 1.0;  // of the gradient's norm; 0: off
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double dropout = -1;      // -1: the model's own rates
  double auxiliary_lm = 0;  // times the language model's loss on the rows' own tokens joins the task's
  bool operator==(const TrainingSpec&) const = default;

  std::int64_t rows_a_step() const { return batch_size * accumulate; }
  std::int64_t steps_an_epoch(std::int64_t rows) const { return (rows + rows_a_step() - 1) / rows_a_step(); }
  /// Steps on so many rows; the last one of an epoch may be short.
  std::int64_t steps(std::int64_t rows) const { return max_steps > 0 ? max_steps : epochs * steps_an_epoch(rows); }
  /// Of `steps`, those before the rate is at its peak; the first of them has the rate 0. May be more than there are.
  double warmup_steps(std::int64_t steps) const {
    return warmup < 1 ? std::ceil(warmup * static_cast<double>(steps)) : warmup;
  }
};

struct SelectionSpec {
  // rows (kept out of train) | validation (the task's file) | reported (the first test file: chosen on what is shown) |
  // none (keep the last step)
  std::string from = "rows";
  std::string order = "selection_first";  // of the sampled rows: or train_first
  std::int64_t rows = 1000;
  std::int64_t every_steps = 0;  // 0: every epoch
  std::int64_t patience = 10;    // evaluations without improvement; 0: no early stop
  /// Rows that are kept out of the training file.
  std::int64_t kept_out() const { return from == "rows" ? rows : 0; }
  bool operator==(const SelectionSpec&) const = default;
};

/// One trial, everything resolved. Plain data: it travels between ranks and is stored with the result as JSON.
struct TrialSpec {
  std::string id;     // 16 hexadecimal digits; see trial_id
  std::string cell;   // the same for all seeds of a cell; see cell_id
  std::string label;  // the method as tables show it: "lora rank=4"
  BackboneSpec backbone;
  TaskSpec task;
  MethodSpec method;
  std::int64_t train_size = 0;  // 0: all
  std::uint64_t seed = 1, data_seed = 1;
  TrainingSpec training;
  SelectionSpec selection;
  std::string precision = "fp32";  // fp32 | bf16
  std::string keep = "adapters";   // adapters | all | none
  bool logits = false;             // of the test rows are kept
  std::string protocol;            // whose defaults the grid took over; empty: the program's own
  std::int64_t width = 1;
  std::string device = "cpu";
  std::int64_t threads = 1;
  bool operator==(const TrialSpec&) const = default;
};

/// Canonical JSON: keys in one order, numbers shortest that read back the same. Everything of the spec.
std::string to_json(const TrialSpec& spec);
/// Reads what to_json wrote. Throws std::runtime_error naming the key that is missing or of the wrong type.
TrialSpec trial_from_json(std::string_view json);

/// The first 16 hexadecimal digits of the SHA-256 over everything that can change the numbers: no path, no label, no
/// keep.
std::string trial_id(const TrialSpec& spec);
/// As trial_id without the seeds: what a report has one number for.
std::string cell_id(const TrialSpec& spec);

/// What became of a trial, as its worker tells the coordinator; the numbers are in the trial file.
struct TrialOutcome {
  std::string id;
  enum class State { Done, Diverged, Failed, Interrupted } state = State::Done;
  std::string reason;        // empty when done; where it was interrupted: why the run must end, empty for a stop signal
  double seconds = 0;        // wall time of the whole trial
  bool environment = false;  // failed by the machine, not by the trial: the same command tries it again
  double metric = 0;         // the tabulated metric on the first test set, not yet × 100
};

}  // namespace peftgrid::worker
