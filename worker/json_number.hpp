#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace peftgrid::worker {

/// JSON has no NaN and no infinities, which a loss or a score may be: both are written as null, and read as NaN.
inline nlohmann::json to_json_number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}
inline double from_json_number(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace peftgrid::worker
