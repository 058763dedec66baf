#include "worker/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "checkpoint/plain_file.hpp"
#include "worker/errors.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::size_t kShown = 60;

/// Bytes of the character that begins at `text[at]`, or 0 when there is none (overlong forms, surrogates included).
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  const std::size_t length = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string escaped(char byte) {
  return fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
}

/// Of one whole character: C0, DEL, C1 (U+0080 to U+009F), the separators U+2028 and U+2029, and what turns the
/// direction of the text behind it (U+202A to U+202E, U+2066 to U+2069).
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  const auto second = static_cast<unsigned char>(character[1]);
  if (character.size() == 2) return first == 0xC2 && second < 0xA0;
  const bool separates_or_turns = character >= "\u2028" && character <= "\u202E";
  return character.size() == 3 && (separates_or_turns || (character >= "\u2066" && character <= "\u2069"));
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_bytes(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '-' || c == '_' || c == ' ') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > kShown) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(folded(name), folded(candidate));
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > kShown;
  if (cut) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  return "\"" + shown(text) + (cut ? "...\"" : "\"");
}

std::string shown(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_bytes(text, at);
    const std::string_view character = text.substr(at, std::max<std::size_t>(1, length));
    at += character.size();
    const bool kept = lines == Lines::Keep && (character == "\n" || character == "\t");
    if (length > 0 && (kept || !is_control(character))) {
      out += character;
    } else {
      for (const char byte : character) out += escaped(byte);
    }
  }
  return out;
}

std::string text_of_path(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t length = character_bytes(path, at);
    const std::string_view character = path.substr(at, std::max<std::size_t>(1, length));
    at += character.size();
    if (length == 0) {
      out += escaped(character.front());
    } else {
      out += character == "\\" ? "\\\\" : character;
    }
  }
  return out;
}

std::string path_of_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text[at] == '\\' && at + 3 < text.size() && text[at + 1] == 'x' &&
        std::from_chars(text.data() + at + 2, text.data() + at + 4, byte, 16).ptr == text.data() + at + 4) {
      out += static_cast<char>(byte);
      at += 3;
    } else {
      if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '\\') ++at;
      out += text[at];
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  return out;
}

std::string read_whole_file(const std::string& path, std::uint64_t most) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw UsageError(path + ": " + checkpoint::absence(path, "file"));
  if (!std::filesystem::is_regular_file(status)) throw UsageError(path + ": is not a plain file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw UsageError(path + ": cannot be read (" + error.message() + ")");
  if (size > most) throw UsageError(fmt::format("{}: has {} bytes; at most {} are read", path, size, most));
  std::string text(size, '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(size))) {
    throw UsageError(path + ": cannot be read");
  }
  return text;
}

}  // namespace peftgrid::worker
