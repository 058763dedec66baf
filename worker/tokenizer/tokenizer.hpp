#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::worker {

struct Encoded {
  std::vector<std::int32_t> ids, types;
  bool truncated = false;
};

/// A Hugging Face tokenizer.json, by the tokenizers crate. One thread at a time.
class Tokenizer {
 public:
  /// `json` is the file's content; `max_length` counts special tokens. Throws UsageError naming `where`.
  Tokenizer(std::string_view json, std::int64_t max_length, const std::string& where);

  /// With special tokens; of a pair the longer text is cut first. `second` may be null. Throws UsageError.
  Encoded encode(std::string_view first, const std::string_view* second) const;
  /// Number of entries, added tokens included.
  std::int64_t vocabulary() const;

 private:
  struct Close {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Close> handle_;
};

}  // namespace peftgrid::worker
