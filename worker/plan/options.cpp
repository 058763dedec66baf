#include "worker/plan/options.hpp"

namespace peftgrid::worker {

using Type = OptionInfo::Type;

OptionInfo integer(std::string name, std::int64_t fallback, double most, std::string meaning, double least) {
  return {std::move(name), Type::Integer, fallback, least, most, {}, std::move(meaning)};
}

OptionInfo real(std::string name, double fallback, double least, double most, std::string meaning) {
  return {std::move(name), Type::Real, fallback, least, most, {}, std::move(meaning)};
}

OptionInfo choice(std::string name, std::vector<std::string> choices, std::string meaning) {
  std::string first = choices.front();
  return {std::move(name), Type::Text, std::move(first), 0, 0, std::move(choices), std::move(meaning)};
}

OptionInfo text(std::string name, std::string fallback, std::string meaning) {
  return {std::move(name), Type::Text, std::move(fallback), 0, 0, {}, std::move(meaning)};
}

OptionInfo texts(std::string name, std::vector<std::string> fallback, std::vector<std::string> choices,
                 std::string meaning) {
  return {std::move(name), Type::TextList, std::move(fallback), 0, 0, std::move(choices), std::move(meaning)};
}

OptionInfo yes_or_no(std::string name, bool fallback, std::string meaning) {
  return {std::move(name), Type::Text, std::string(fallback ? "yes" : "no"), 0, 0, {"no", "yes"}, std::move(meaning)};
}

OptionInfo added_later(OptionInfo option) {
  option.later = true;
  return option;
}

}  // namespace peftgrid::worker
