#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "worker/tokenizer/stated_keys.hpp"

namespace peftgrid::worker {

/// Lays what is stated of a text's ids over the object of a tokenizer.json: casing, accents, Chinese
/// characters, a space before the text, special and added tokens. Keys that are missing or null leave it as it is.
/// Returns what was changed, in words that enter the tokenizer's hash, and says each in `notes`; keys that say
/// something else than tokenizer.json and cannot be obeyed are said there, too.
std::vector<std::string> change_tokenizer(const StatedKeys& stated, nlohmann::json& tokenizer,
                                          std::vector<std::string>& notes);

}  // namespace peftgrid::worker
