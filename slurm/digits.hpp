#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace peftgrid::slurm {

/// The largest number that is read of Slurm's texts, in any unit: far beyond any cluster, far from overflow.
constexpr std::int64_t kMostOfAnything = 1'000'000'000;

/// Digits and nothing else: safe as a word of a command line.
inline bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A number of digits alone, up to kMostOfAnything.
inline std::optional<std::int64_t> parse_digits(std::string_view text) {
  if (!is_number(text)) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    number = number * 10 + (c - '0');
    if (number > kMostOfAnything) return std::nullopt;
  }
  return number;
}

}  // namespace peftgrid::slurm
