#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/tasks/task.hpp"
#include "worker/tokenizer/tokenizer.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Ids of the tokens that `input: gpt1` inserts, whose vectors are the trial's own (Radford et al., 2018).
inline constexpr std::int32_t kStartToken = -1, kDelimiterToken = -2, kExtractToken = -3;
inline constexpr std::int64_t kInsertedTokens = 3;
inline constexpr const char* kInsertedVectors = "inserted.weight";

/// What a model reads at once.
struct EncodedSequence {
  std::vector<std::int32_t> ids, types;
  std::int32_t first_target = 0;  // from there on tokens are predicted, each from those before it
};

/// A row as a model reads it: one sequence, or one a choice, or a pair in both orders.
struct EncodedRow {
  std::vector<EncodedSequence> sequences;
  double label = 0;  // the example's; of a language model the number of its target tokens
  bool truncated = false;
};

/// Turns a task's rows into tokens for one backbone.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;
  /// Throws UsageError for a text that cannot be tokenized, or a template whose own words are too many.
  virtual EncodedRow encode(const Example& example) const = 0;
};

/// How the rows are read.
struct RowLayout {
  std::int64_t max_length = 0;
  Cut cut = Cut::Right;
  bool causal = false;      // the model sees no later token
  bool gives_types = true;  // the tokenizer tells a pair's texts apart
};
/// Is a row of the task rendered by a template (template_of)?
bool is_templated(const TaskSpec& task, const std::string& input, bool causal);
/// `tokenizer`: the content of `where`, a tokenizer.json. `task` must outlive it. Throws UsageError.
std::unique_ptr<RowEncoder> make_row_encoder(const TaskSpec& task, const std::string& input, std::string_view tokenizer,
                                             const std::string& where, const RowLayout& layout);

}  // namespace peftgrid::worker
