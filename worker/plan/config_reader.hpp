#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// Reads checked values out of a config.json; throws UsageError naming file, key and what would be right.
class ConfigReader {
 public:
  /// `config` must outlive this.
  ConfigReader(const nlohmann::json& config, std::string where) : config_(config), where_(std::move(where)) {}

  bool has(const char* key) const;
  /// Is it there, be it null?
  bool mentions(const char* key) const;
  /// A whole number that has two names; both may be there where they agree.
  std::int64_t size_of_two(const char* key, const char* other, std::int64_t most) const;
  /// Is it there, and true? Anything but true, false and null is refused.
  bool is_true(const char* key) const;
  /// Is it there, and a list or a map that is not empty?
  bool holds_items(const char* key) const;
  /// What a key that holds an object holds; its errors name the key. No value where it is absent or null.
  std::optional<ConfigReader> within(const char* key) const;
  /// Do two keys hold the same?
  bool are_alike(const char* key, const char* other) const;
  /// Does a list hold this text?
  bool lists(const char* key, const std::string& text) const;
  /// A whole number from `least` to `most`.
  std::int64_t size(const char* key, std::int64_t most, std::optional<std::int64_t> fallback = {},
                    std::int64_t least = 1) const;
  double real(const char* key, double least, double most, double fallback) const;
  /// A text, whatever it says; empty where there is none.
  std::string any_text(const char* key) const;
  /// One of `choices`; `fallback` "": the key must be there.
  std::string text(const char* key, const std::vector<std::string>& choices, const std::string& fallback) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  const nlohmann::json& config_;
  std::string where_;
};

/// What torch.nn.Embedding is given as padding_idx: "pad_token_id", counted from the end below 0, `usual` where the key
/// is absent; -1 where it is null.
std::int64_t read_padding_index(const ConfigReader& read, std::int64_t vocabulary, std::int64_t usual = -1);

}  // namespace peftgrid::worker
