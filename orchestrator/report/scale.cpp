#include "orchestrator/report/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace peftgrid::orchestrator {
namespace {

constexpr int kMostPlaces = 9;

/// Decimal places that leave so many digits of a number of this size.
int places_for(double size, int digits) {
  if (!(size > 0) || !std::isfinite(size)) return digits;
  return std::clamp(digits - 1 - static_cast<int>(std::floor(std::log10(size))), 0, kMostPlaces);
}

}  // namespace

Scale Scale::units(double usual) {
  Scale scale;
  scale.in_points_ = false;
  const double size = std::abs(usual);
  const bool plain = !(size > 0) || !std::isfinite(size) || (size >= 1e-3 && size < 1e5);
  if (!plain) scale.power_ = static_cast<int>(std::floor(std::log10(size)));
  scale.places_ = places_for(plain ? size : size / std::pow(10.0, scale.power_), 3);
  return scale;
}

Scale Scale::nats() {
  Scale scale = units(0.1);
  scale.unit_ = " nats";
  return scale;
}

int Scale::drawn_places() const {
  return std::max(0, places_ - power_ + 3);
}

double Scale::steps() const {
  return shown(1) * std::pow(10.0, places_ - power_);
}

std::string Scale::with_power(const std::string& digits) const {
  return power_ == 0 ? digits : fmt::format("{}e{}", digits, power_);
}

double Scale::rounded(double number) const {
  const double value = std::round(number * steps()) / std::pow(10.0, places_);
  return value == 0 ? 0 : value;
}

bool Scale::shows(double number) const {
  if (in_points_ || !std::isfinite(number) || number == 0) return true;
  return std::abs(number) < 1e5 * std::pow(10.0, power_) && (power_ == 0 || rounded(number) != 0);
}

std::string Scale::number(double number) const {
  if (!shows(number)) return units(number).number(number);
  return with_power(fmt::format("{:.{}f}", rounded(number), places_));
}

std::string Scale::signed_number(double difference) const {
  if (!shows(difference)) return units(difference).signed_number(difference);
  return with_power(fmt::format("{:+.{}f}", rounded(difference), places_));
}

std::string Scale::mean(double mean) const {
  const double last = mean * steps();
  const bool on_a_half = std::abs(std::abs(last - std::trunc(last)) - 0.5) < 1e-6;
  if (!on_a_half || !shows(mean)) return number(mean);
  return with_power(fmt::format("{:.{}f}", shown(mean) / std::pow(10.0, power_), places_ + 1));
}

std::string Scale::about(double difference) const {
  const double value = shown(difference);
  if (in_points_) return fmt::format("{:.{}f}", value, value < 9.95 ? 1 : 0);
  const double of_power = value / std::pow(10.0, power_);
  return with_power(fmt::format("{:.{}f}", of_power, places_for(std::abs(of_power), 2)));
}

std::string Scale::amount(double difference) const {
  if (in_points_) return number(difference) + " points";
  return (rounded(difference) == 0 && difference != 0 ? about(difference) : number(difference)) + unit_;
}

std::string Scale::margin_number(double margin) const {
  return fmt::format("{:g}", in_points_ ? std::round(1e6 * margin) / 1e4 : margin);
}

std::string Scale::margin(double margin) const {
  const std::string number = margin_number(margin);
  return in_points_ ? number + (number == "1" ? " point" : " points") : number + unit_;
}

}  // namespace peftgrid::orchestrator
