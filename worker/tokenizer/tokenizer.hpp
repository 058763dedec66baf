#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::worker {

struct Encoded {
  std::vector<std::int32_t> ids, types;
  std::vector<std::size_t> ends;  // where each token ends in its text, in bytes; 0 of special ones
  bool truncated = false;
};

/// Tokens whose ids a table of embeddings lacks.
struct TokensBeyond {
  std::int64_t count = 0;
  std::vector<std::string> first;  // up to three of them, by id
};

/// "2 of its tokens lie beyond the model's table of 64: "a" and "b"".
std::string text_of(const TokensBeyond& beyond, std::int64_t table);

/// Which end of a row that is too long is cut off.
enum class Cut : std::uint8_t { Right, Left };

/// A Hugging Face tokenizer.json, by the tokenizers crate. One thread at a time.
class Tokenizer {
 public:
  /// `json` is the file's content; `max_length` counts special tokens. Throws UsageError naming `where`.
  Tokenizer(std::string_view json, std::int64_t max_length, const std::string& where, Cut cut = Cut::Right);

  /// With special tokens; of a pair the longer text is cut first. `second` may be null. Throws UsageError.
  Encoded encode(std::string_view first, const std::string_view* second) const;
  /// The ids of a text alone, without special tokens around it. Throws UsageError.
  std::vector<std::int32_t> words(std::string_view text) const;
  /// Number of entries, without the tokens that were added to them.
  std::int64_t vocabulary() const;
  /// Those with the id `first` or a larger one, added tokens included.
  TokensBeyond tokens_from(std::int64_t first) const;

 private:
  Encoded encode(std::string_view first, const std::string_view* second, bool special) const;

  struct Close {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Close> handle_;
};

}  // namespace peftgrid::worker
