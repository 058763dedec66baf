#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// In the order in which transformers numbers those that are new.
inline constexpr std::array kNamedTokens = {"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};

/// A token as configurations write it: its text, or an object that holds it.
std::optional<std::string> token_text(const nlohmann::json& value);

/// What a folder states of its tokenizer beside tokenizer.json.
struct StatedKeys {
  nlohmann::json keys;             // those of tokenizer_config.json, some from elsewhere
  std::set<std::string> from_map;  // those that special_tokens_map.json states alone, or unlike the other file
};
/// The keys of a tokenizer_config.json, and over them those of a special_tokens_map.json, as transformers reads them
/// where the former lists no `added_tokens_decoder`. Both are objects. A contradiction is said in `notes`.
StatedKeys stated_keys(nlohmann::json config, const nlohmann::json& map, std::vector<std::string>& notes);

}  // namespace peftgrid::worker
