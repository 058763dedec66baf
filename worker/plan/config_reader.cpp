#include "worker/plan/config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

std::string value_text(const nlohmann::json& value) {
  if (value.is_string()) return in_quotes(value.get<std::string>());
  return value.is_structured() ? (value.is_array() ? "a list" : "an object") : value.dump();
}

}  // namespace

bool ConfigReader::has(const char* key) const {
  const auto found = config_.find(key);
  return found != config_.end() && !found->is_null();
}

bool ConfigReader::mentions(const char* key) const {
  return config_.contains(key);
}

std::int64_t ConfigReader::size_of_two(const char* key, const char* other, std::int64_t most) const {
  const std::int64_t value = size(has(key) || !has(other) ? key : other, most);
  if (has(other) && size(other, most) != value) {
    fail(fmt::format("\"{}\" is {} and \"{}\" is {}, two names of one number; leave one of them out", key, value, other,
                     size(other, most)));
  }
  return value;
}

bool ConfigReader::is_true(const char* key) const {
  if (!has(key)) return false;
  const nlohmann::json& value = *config_.find(key);
  if (!value.is_boolean()) fail(fmt::format("\"{}\" is {}; true or false would be right", key, value_text(value)));
  return value.get<bool>();
}

bool ConfigReader::holds_items(const char* key) const {
  const auto found = config_.find(key);
  return found != config_.end() && found->is_structured() && !found->empty();
}

std::optional<ConfigReader> ConfigReader::within(const char* key) const {
  if (!has(key)) return std::nullopt;
  const nlohmann::json& value = *config_.find(key);
  if (!value.is_object()) fail(fmt::format("\"{}\" is {}; an object would be right", key, value_text(value)));
  return ConfigReader(value, fmt::format("{}: \"{}\"", where_, key));
}

bool ConfigReader::are_alike(const char* key, const char* other) const {
  return config_.at(key) == config_.at(other);
}

bool ConfigReader::lists(const char* key, const std::string& text) const {
  const auto found = config_.find(key);
  return found != config_.end() && found->is_array() && std::ranges::find(*found, nlohmann::json(text)) != found->end();
}

std::int64_t ConfigReader::size(const char* key, std::int64_t most, std::optional<std::int64_t> fallback,
                                std::int64_t least) const {
  const auto found = config_.find(key);
  if (found == config_.end()) {
    if (fallback) return *fallback;
    fail(fmt::format("key \"{}\" is missing", key));
  }
  const auto fits = [&] {
    const auto value = found->get<double>();
    return value >= static_cast<double>(least) && value <= static_cast<double>(most);
  };
  if (!found->is_number_integer() || !fits()) {
    fail(
        fmt::format("\"{}\" is {}; a whole number from {} to {} would be right", key, value_text(*found), least, most));
  }
  return found->get<std::int64_t>();
}

double ConfigReader::real(const char* key, double least, double most, double fallback) const {
  const auto found = config_.find(key);
  if (found == config_.end()) return fallback;
  if (!found->is_number() || !(found->get<double>() >= least) || !(found->get<double>() <= most)) {
    fail(fmt::format("\"{}\" is {}; a number from {} to {} would be right", key, value_text(*found), least, most));
  }
  return found->get<double>();
}

std::string ConfigReader::any_text(const char* key) const {
  const auto found = config_.find(key);
  return found != config_.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ConfigReader::text(const char* key, const std::vector<std::string>& choices,
                               const std::string& fallback) const {
  const auto found = config_.find(key);
  if (found == config_.end() && !fallback.empty()) return fallback;
  if (found == config_.end()) fail(fmt::format("key \"{}\" is missing", key));
  if (!found->is_string() || std::ranges::find(choices, found->get<std::string>()) == choices.end()) {
    fail(fmt::format("\"{}\" is {}; known: {}", key, value_text(*found), joined(choices)));
  }
  return found->get<std::string>();
}

std::int64_t read_padding_index(const ConfigReader& read, std::int64_t vocabulary, std::int64_t usual) {
  constexpr const char* kKey = "pad_token_id";
  if (!read.has(kKey)) return read.mentions(kKey) || usual >= vocabulary ? -1 : usual;
  const std::int64_t index = read.size(kKey, vocabulary - 1, {}, -vocabulary);
  return index < 0 ? index + vocabulary : index;
}

void ConfigReader::fail(const std::string& what) const {
  throw UsageError(where_ + ": " + what);
}

}  // namespace peftgrid::worker
