#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "worker/tokenizer/tokenizer.hpp"

namespace peftgrid::worker {

/// The tokenizer of a Hugging Face folder: tokenizer.json, as tokenizer_config.json changes it. Where both say
/// something of one thing, a key of tokenizer_config.json holds, as in transformers; what it is silent about is
/// tokenizer.json's.
struct FolderTokenizer {
  std::string json;  // what the tokenizers crate is to read
  /// Of tokenizer.json; where tokenizer_config.json changes the ids of a text, of all that it changes, too.
  std::string sha256;
  Cut cut = Cut::Right;                    // which end of long rows the folder says to cut
  std::string cut_origin = "default";      // of `cut`: the file that states it
  bool gives_types = true;                 // else every token's type is 0 (`model_input_names` without token_type_ids)
  std::int64_t longest = 0;                // tokens of a row, as the folder bounds them; 0: it does not
  std::string longest_key;                 // what states it, "tokenizer_config.json's \"model_max_length\""
  std::optional<bool> adds_bos, adds_eos;  // "add_bos_token" and "add_eos_token", which tokenizer.json outweighs
  std::vector<std::string> notes;          // where the two differ, and what is stated and has no place here
};

/// Throws UsageError naming the file that is missing or not what it should be.
FolderTokenizer read_folder_tokenizer(const std::filesystem::path& folder);

}  // namespace peftgrid::worker
