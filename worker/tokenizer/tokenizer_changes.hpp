#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// What a folder states of its tokenizer beside tokenizer.json.
struct StatedKeys {
  nlohmann::json keys;  // those of tokenizer_config.json, some from elsewhere
  std::set<std::string>
      from_map;  // of them, those that special_tokens_map.json alone, or unlike the other file, states
};
/// The keys of a tokenizer_config.json, and over them those of a special_tokens_map.json, as transformers reads them
/// where the former lists no `added_tokens_decoder`. Both are objects. A contradiction is said in `notes`.
StatedKeys stated_keys(nlohmann::json config, const nlohmann::json& map, std::vector<std::string>& notes);

/// Lays what a tokenizer_config.json says of a text's ids over the object of a tokenizer.json: casing, accents, Chinese
/// characters, a space before the text, special and added tokens. Keys that are missing or null leave it as it is.
/// Returns what was changed, in words that enter the tokenizer's hash, and says each in `notes`; keys that say
/// something else than tokenizer.json and cannot be obeyed are said there, too.
std::vector<std::string> change_tokenizer(const StatedKeys& stated, nlohmann::json& tokenizer,
                                          std::vector<std::string>& notes);

}  // namespace peftgrid::worker
