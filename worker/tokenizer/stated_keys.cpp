#include "worker/tokenizer/stated_keys.hpp"

#include <fmt/format.h>

#include <utility>

#include "worker/plan/side_file.hpp"

namespace peftgrid::worker {

std::optional<std::string> token_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    return value["content"].get<std::string>();
  }
  return std::nullopt;
}

StatedKeys stated_keys(nlohmann::json config, const nlohmann::json& map, std::vector<std::string>& notes) {
  StatedKeys stated{std::move(config), {}};
  if (stated.keys.contains("added_tokens_decoder")) return stated;
  const auto take = [&](const char* key) {
    const auto found = map.find(key);
    if (found == map.end() || found->is_null()) return;
    const auto other = stated.keys.find(key);
    const bool named = other != stated.keys.end() && !other->is_null();
    if (named && token_text(*other) && token_text(*other) != token_text(*found)) {
      notes.push_back(
          fmt::format("special_tokens_map.json: {}, and tokenizer_config.json says otherwise; the former holds",
                      key_text(key, *found)));
    }
    if (!named || token_text(*other) != token_text(*found)) stated.from_map.insert(key);
    stated.keys[key] = *found;
  };
  for (const char* key : kNamedTokens) take(key);
  take("additional_special_tokens");
  return stated;
}

}  // namespace peftgrid::worker
