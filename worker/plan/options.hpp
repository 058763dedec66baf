#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/catalogue.hpp"

/// A method's options: how its plan part states them, and how both parts read them. They were checked when the grid was
/// read; a missing one is a programming error (throws).
namespace peftgrid::worker {

inline std::int64_t integer_option(const MethodSpec& spec, const std::string& name) {
  return std::get<std::int64_t>(spec.options.at(name));
}
inline double real_option(const MethodSpec& spec, const std::string& name) {
  return std::get<double>(spec.options.at(name));
}
inline const std::string& text_option(const MethodSpec& spec, const std::string& name) {
  return std::get<std::string>(spec.options.at(name));
}
inline const std::vector<std::string>& list_option(const MethodSpec& spec, const std::string& name) {
  return std::get<std::vector<std::string>>(spec.options.at(name));
}
/// An option that takes yes or no.
inline bool is_on(const MethodSpec& spec, const std::string& name) {
  return text_option(spec, name) == "yes";
}
/// Is `item` in a list option, by its own name or as one of `all`?
inline bool lists(const MethodSpec& spec, const std::string& name, std::string_view item) {
  const auto& given = list_option(spec, name);
  const auto has = [&](std::string_view one) { return std::find(given.begin(), given.end(), one) != given.end(); };
  return has("all") || has(item);
}

/// A whole number from `least` on.
OptionInfo integer(std::string name, std::int64_t fallback, double most, std::string meaning, double least = 1);
OptionInfo real(std::string name, double fallback, double least, double most, std::string meaning);
/// One of `choices`, the first by default.
OptionInfo choice(std::string name, std::vector<std::string> choices, std::string meaning);
/// Any text.
OptionInfo text(std::string name, std::string fallback, std::string meaning);
OptionInfo texts(std::string name, std::vector<std::string> fallback, std::vector<std::string> choices,
                 std::string meaning);
OptionInfo yes_or_no(std::string name, bool fallback, std::string meaning);
/// An option that its method did not have at first: trials with its default keep the ids of trials without it.
OptionInfo added_later(OptionInfo option);

}  // namespace peftgrid::worker
