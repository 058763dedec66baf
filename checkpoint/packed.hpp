#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "checkpoint/errors.hpp"

/// Rows of a table as they lie in a file: fields one after the other, nothing between them, little-endian numbers.
namespace peftgrid::checkpoint {

class Pack {
 public:
  template <typename Number>
  void number(Number value) {
    static_assert(std::is_arithmetic_v<Number>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  /// Padded with NUL to `bytes`, which must be enough.
  void text(std::string_view text, std::size_t bytes) {
    bytes_ += text;
    bytes_.append(bytes - text.size(), '\0');
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpack {
 public:
  explicit Unpack(std::string_view packed) : rest_(packed) {}

  template <typename Number>
  Number number() {
    static_assert(std::is_arithmetic_v<Number>);
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text(std::size_t bytes) {
    const std::string_view padded = take(bytes);
    return std::string(padded.substr(0, padded.find_last_not_of('\0') + 1));
  }
  /// The next `bytes` as they are.
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) throw FileError("a table ends in the middle of a row");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace peftgrid::checkpoint
