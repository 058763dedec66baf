#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace peftgrid::worker {

/// The object in a small JSON file that a model's folder may hold; nothing where the file is not there. Throws
/// UsageError naming the file where it is a link to nothing, or holds anything but an object.
std::optional<nlohmann::json> read_side_object(const std::filesystem::path& file);
/// As read_side_object, of a list.
std::optional<nlohmann::json> read_side_list(const std::filesystem::path& file);

/// A key of it as it stands in the file, for messages: `"pooling_mode" is "max"`.
std::string key_text(const char* key, const nlohmann::json& value);
/// Is the key there, and true?
bool is_true(const nlohmann::json& object, const char* key);

}  // namespace peftgrid::worker
