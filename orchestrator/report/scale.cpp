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
  scale.places_ = places_for(std::abs(usual), 3);
  return scale;
}

double Scale::steps() const {
  return shown(1) * std::pow(10.0, places_);
}

double Scale::rounded(double number) const {
  const double value = std::round(number * steps()) / std::pow(10.0, places_);
  return value == 0 ? 0 : value;
}

std::string Scale::number(double number) const {
  return fmt::format("{:.{}f}", rounded(number), places_);
}

std::string Scale::signed_number(double difference) const {
  return fmt::format("{:+.{}f}", rounded(difference), places_);
}

std::string Scale::mean(double mean) const {
  const double last = mean * steps();
  const bool on_a_half = std::abs(std::abs(last - std::trunc(last)) - 0.5) < 1e-6;
  return on_a_half ? fmt::format("{:.{}f}", shown(mean), places_ + 1) : number(mean);
}

std::string Scale::about(double difference) const {
  const double value = shown(difference);
  if (in_points_) return fmt::format("{:.{}f}", value, value < 9.95 ? 1 : 0);
  return fmt::format("{:.{}f}", value, places_for(std::abs(value), 2));
}

std::string Scale::amount(double difference) const {
  return number(difference) + (in_points_ ? " points" : "");
}

std::string Scale::margin_number(double margin) const {
  return fmt::format("{:g}", in_points_ ? std::round(1e6 * margin) / 1e4 : margin);
}

std::string Scale::margin(double margin) const {
  const std::string number = margin_number(margin);
  return in_points_ ? number + (number == "1" ? " point" : " points") : number;
}

}  // namespace peftgrid::orchestrator
