#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace peftgrid::checkpoint {

/// What a text that may come from anywhere says; `discarded` where it is no JSON, or nests deeper than anything of ours:
/// each level would cost a frame of the stack wherever it is written again.
inline nlohmann::json parse_shallow(std::string_view text, int deepest = 32) {
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > deepest;
    return !too_deep;  // what lies deeper is not kept
  };
  nlohmann::json parsed = nlohmann::json::parse(text, watch, false);
  return too_deep ? nlohmann::json(nlohmann::json::value_t::discarded) : parsed;
}

}  // namespace peftgrid::checkpoint
