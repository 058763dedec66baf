#include "slurm/time_limit.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

#include "slurm/digits.hpp"

namespace peftgrid::slurm {

namespace {

constexpr std::int64_t kMinute_s = 60, kHour_s = 3600, kDay_s = 24 * 3600;

/// The numbers between colons; nothing where one is none.
std::optional<std::vector<std::int64_t>> numbers_in(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (;;) {
    const std::size_t end = text.find(':');
    const auto number = parse_digits(text.substr(0, end));
    if (!number) return std::nullopt;
    numbers.push_back(*number);
    if (end == std::string_view::npos) return numbers;
    text.remove_prefix(end + 1);
  }
}

bool means_unlimited(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper == "UNLIMITED" || upper == "INFINITE";
}

std::string two_digits(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

}  // namespace

std::optional<std::int64_t> parse_time_limit(std::string_view text) {
  if (means_unlimited(text)) return kUnlimited_s;
  const std::size_t dash = text.find('-');
  const bool with_days = dash != std::string_view::npos;
  const auto days = with_days ? parse_digits(text.substr(0, dash)) : std::optional<std::int64_t>(0);
  auto rest = numbers_in(with_days ? text.substr(dash + 1) : text);
  if (!days || !rest || rest->size() > 3) return std::nullopt;
  // Behind days the first number is hours; otherwise it is so only where there are three.
  if (!with_days && rest->size() < 3) rest->insert(rest->begin(), 0);
  rest->resize(3);
  const std::int64_t seconds = *days * kDay_s + (*rest)[0] * kHour_s + (*rest)[1] * kMinute_s + (*rest)[2];
  return seconds > 0 ? seconds : kUnlimited_s;
}

std::string time_limit_text(double seconds) {
  const auto minutes = static_cast<std::int64_t>(std::ceil(seconds / kMinute_s));
  const std::int64_t days = minutes / (24 * 60);
  return (days > 0 ? std::to_string(days) + "-" : "") + two_digits(minutes / 60 % 24) + ":" + two_digits(minutes % 60) +
         ":00";
}

}  // namespace peftgrid::slurm
