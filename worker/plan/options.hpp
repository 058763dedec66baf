#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/trial.hpp"

/// A method's options by name. They were checked when the grid was read; a missing one is a programming error (throws).
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

}  // namespace peftgrid::worker
