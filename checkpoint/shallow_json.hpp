#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace peftgrid::checkpoint {

/// What a text that may come from anywhere says; `discarded` where it is no JSON, or nests deeper than anything of
/// ours: each level would cost a frame of the stack wherever it is written again. `twice`, where it is not null,
/// becomes a key that the outermost object has more than once; of those the last one holds.
inline nlohmann::json parse_shallow(std::string_view text, int deepest = 32, std::string* twice = nullptr) {
  bool too_deep = false;
  std::set<std::string> keys;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    too_deep = too_deep || depth > deepest;
    const bool outermost = depth == 1 && event == nlohmann::json::parse_event_t::key;
    if (twice != nullptr && outermost && !keys.insert(value.get<std::string>()).second)
      *twice = value.get<std::string>();
    return !too_deep;  // what lies deeper is not kept
  };
  nlohmann::json parsed = nlohmann::json::parse(text, watch, false);
  return too_deep ? nlohmann::json(nlohmann::json::value_t::discarded) : parsed;
}

/// A whole number; to the library 1e300 is one too, and its conversion may give anything. Throws std::invalid_argument.
inline std::int64_t whole_number(const nlohmann::json& value) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost)) {
    throw std::invalid_argument("a whole number would be right");
  }
  return value.get<std::int64_t>();
}

}  // namespace peftgrid::checkpoint
