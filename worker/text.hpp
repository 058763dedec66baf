#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Checks and conversions of text that comes from users' files.
namespace peftgrid::worker {

/// Offset of the first byte that is not part of valid UTF-8 (or is a NUL), or nothing when all is well.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Characters of valid UTF-8: what the text takes on a screen.
std::size_t count_characters(std::string_view text);

/// A finite number that takes up the whole text.
std::optional<double> parse_number(std::string_view text);

/// A name without what its writers differ in: case, dashes, underscores, blanks. "XLM-RoBERTa" is "xlmroberta".
std::string folded(std::string_view name);

/// The name among `known` that is most like `name`, when one is near enough to be what was meant; else empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// `text` shortened to a length that fits a message, control characters shown as text.
std::string in_quotes(std::string_view text);

/// Text from anywhere as it may be shown on a screen or put into a message: control characters (those of C1 and the
/// line and paragraph separators too) as \x1b, and so each byte that is not UTF-8. Line breaks and tabs stay where the
/// text's lines are the program's own.
enum class Lines { Escape, Keep };
std::string shown(std::string_view text, Lines lines = Lines::Escape);

/// Paths are bytes, JSON is UTF-8: bytes that are none become \xff, and a backslash two, so that `path_of_text` gives
/// the same bytes back.
std::string text_of_path(std::string_view path);
std::string path_of_text(std::string_view text);

/// "a, b and c".
std::string joined(const std::vector<std::string>& names);

/// A whole plain file. Throws UsageError when it is missing, no plain file, or larger than `most` bytes.
std::string read_whole_file(const std::string& path, std::uint64_t most);

}  // namespace peftgrid::worker
