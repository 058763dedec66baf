#include "orchestrator/grid/option_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace peftgrid::orchestrator {

namespace {

std::string text(std::int64_t value) {
  return std::to_string(value);
}
std::string text(double value) {
  return fmt::format("{}", value);
}
std::string text(const std::string& value) {
  return value;
}
std::string text(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, "+"));
}

}  // namespace

std::string option_text(const worker::OptionValue& value) {
  return std::visit([](const auto& held) { return text(held); }, value);
}

}  // namespace peftgrid::orchestrator
