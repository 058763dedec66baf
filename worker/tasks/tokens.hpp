#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/tasks/row_encoder.hpp"
#include "worker/tasks/task.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// One file of a task as token ids, in the file's order. A row is one sequence, or one a choice. A view: TokenizedData
/// owns the memory.
class TokenizedSplit {
 public:
  std::int64_t rows() const { return static_cast<std::int64_t>(labels_.size()); }
  /// Of all of a row's sequences, one after the other.
  std::span<const std::int32_t> ids(std::int64_t row) const { return of_row(ids_, row); }
  std::span<const std::int32_t> types(std::int64_t row) const { return of_row(types_, row); }
  /// A row's sequences are those from first_sequence(row) to first_sequence(row + 1).
  std::int64_t first_sequence(std::int64_t row) const { return static_cast<std::int64_t>(sequences_[index(row)]); }
  std::span<const std::int32_t> sequence_ids(std::int64_t sequence) const { return part(ids_, sequence); }
  std::span<const std::int32_t> sequence_types(std::int64_t sequence) const { return part(types_, sequence); }
  /// Where its target tokens begin, each predicted from those before it.
  std::int32_t first_target(std::int64_t sequence) const { return first_targets_[index(sequence)]; }
  bool truncated(std::int64_t row) const { return truncated_[index(row)] != 0; }
  double label(std::int64_t row) const { return labels_[index(row)]; }
  std::int64_t truncated_rows() const {
    return std::ranges::count_if(truncated_, [](auto cut) { return cut != 0; });
  }
  std::int64_t tokens() const { return static_cast<std::int64_t>(ids_.size()); }

 private:
  friend class TokenizedData;
  static std::size_t index(std::int64_t at) { return static_cast<std::size_t>(at); }
  std::span<const std::int32_t> of_row(std::span<const std::int32_t> all, std::int64_t row) const {
    const std::size_t first = offsets_[sequences_[index(row)]];
    return all.subspan(first, offsets_[sequences_[index(row) + 1]] - first);
  }
  std::span<const std::int32_t> part(std::span<const std::int32_t> all, std::int64_t sequence) const {
    const std::size_t first = offsets_[index(sequence)];
    return all.subspan(first, offsets_[index(sequence) + 1] - first);
  }
  std::span<const std::uint64_t> sequences_;  // rows + 1, into first_targets and offsets
  std::span<const std::uint64_t> offsets_;    // sequences + 1, into ids and types
  std::span<const std::int32_t> first_targets_, ids_, types_;
  std::span<const double> labels_;
  std::span<const std::uint8_t> truncated_;
};

/// All splits of a task under one tokenizer: train, validation (may have no row), tests.
class TokenizedData {
 public:
  virtual ~TokenizedData() = default;
  TokenizedData(const TokenizedData&) = delete;
  TokenizedData& operator=(const TokenizedData&) = delete;
  const TokenizedSplit& train() const { return splits_[0]; }
  const TokenizedSplit& validation() const { return splits_[1]; }
  std::span<const TokenizedSplit> tests() const { return std::span(splits_).subspan(2); }
  /// Over all splits: what an embedding table must hold.
  std::int32_t largest_id() const { return largest_id_; }
  std::int32_t largest_type() const { return largest_type_; }
  /// Does a row of any split hold this id?
  bool holds(std::int32_t id) const;
  /// The file that it is mapped from, if any, is still the one that was checked.
  virtual bool unchanged() const { return true; }

 protected:
  TokenizedData() = default;
  /// Checks `bytes` (sizes, offsets, the hash of them and their key, ids that are none) and points the splits into
  /// them. False when they cannot be trusted.
  bool view(std::string_view bytes, std::string_view key);

 private:
  std::vector<TokenizedSplit> splits_;
  std::int32_t largest_id_ = 0, largest_type_ = 0;
};

/// Tokenizes a data set once per node: the first process that needs it writes a file in the cache, the others map it.
/// Where the cache cannot be written, each process keeps its own copy. Throws ChangedInput where data or tokenizer are
/// no longer what their hashes say, UsageError where they give ids that the model's embedding tables do not have, or a
/// row has no token at all, naming the row's file and line.
std::shared_ptr<const TokenizedData> tokenize(const TaskSpec& task, const BackboneSpec& backbone,
                                              std::int64_t max_length);

/// The content of that file; `key` is what it was made of, in a word. For tests, and for `tokenize` itself.
std::string tokenized_bytes(const Dataset& data, const RowEncoder& encoder, std::string_view key);
/// Reads it back from memory; null when the bytes cannot be trusted, or are another key's.
std::shared_ptr<const TokenizedData> tokenized_from(std::string bytes, std::string_view key);

/// Special tokens that the backbone's tokenizer puts around a text, or around those of a pair. Throws UsageError.
struct SpecialTokens {
  std::size_t before = 0, behind = 0;  // of the text; of a pair's first and second one
  std::size_t all = 0;
};
SpecialTokens special_tokens(const BackboneSpec& backbone, bool pair);

/// The ids of a text by the backbone's tokenizer, without the special tokens that it puts around one. Throws
/// UsageError.
std::vector<std::int32_t> ids_of_text(const BackboneSpec& backbone, const std::string& text);

}  // namespace peftgrid::worker
