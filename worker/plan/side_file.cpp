#include "worker/plan/side_file.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/plain_file.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;  // tokenizer_config.json may list thousands of tokens

std::optional<nlohmann::json> read_json(const std::filesystem::path& file) {
  if (!checkpoint::is_there(file)) return std::nullopt;
  nlohmann::json parsed = checkpoint::parse_shallow(read_whole_file(file.string(), kMostBytes));
  if (parsed.is_discarded()) throw UsageError(file.string() + ": is not JSON");
  return parsed;
}

}  // namespace

std::optional<nlohmann::json> read_side_object(const std::filesystem::path& file) {
  auto parsed = read_json(file);
  if (parsed && !parsed->is_object()) throw UsageError(file.string() + ": is not a JSON object");
  return parsed;
}

std::optional<nlohmann::json> read_side_list(const std::filesystem::path& file) {
  auto parsed = read_json(file);
  if (parsed && !parsed->is_array()) throw UsageError(file.string() + ": is not a JSON list");
  return parsed;
}

std::string key_text(const char* key, const nlohmann::json& value) {
  const std::string text = value.is_string()   ? in_quotes(value.get<std::string>())
                           : value.is_object() ? "an object"
                           : value.is_array()  ? "a list"
                                               : value.dump();
  return fmt::format("\"{}\" is {}", key, text);
}

bool is_true(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace peftgrid::worker
