#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <ostream>

#include "orchestrator/schedule/show_plan.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr std::size_t kTableWidth = 120;
constexpr std::size_t kGap = 2;

/// Bytes of the first `width` characters.
std::size_t bytes_of(const std::string& text, std::size_t width) {
  std::size_t end = 0, characters = 0;
  while (end < text.size()) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && ++characters > width) break;
    ++end;
  }
  return end;
}

/// Lines of at most `width` characters, broken at spaces where there are any.
std::vector<std::string> wrapped(std::string text, std::size_t width) {
  std::vector<std::string> lines;
  while (worker::count_characters(text) > width) {
    const std::size_t most = bytes_of(text, width), space = text.rfind(' ', most);
    const bool at_space = space != std::string::npos && space > 0;
    lines.push_back(text.substr(0, at_space ? space : most));
    text.erase(0, at_space ? space + 1 : most);
  }
  lines.push_back(std::move(text));
  return lines;
}

}  // namespace

void show_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> table = rows;
  std::vector<bool> right;
  for (std::string& heading : table[0]) {
    right.push_back(heading.starts_with('>'));
    if (right.back()) heading.erase(0, 1);
  }
  std::vector<std::size_t> widths(table[0].size());
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], worker::count_characters(row[i]));
  }
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + kGap * widths.size();
  };
  while (total() > kTableWidth) --*std::ranges::max_element(widths);
  for (const auto& row : table) {
    std::vector<std::vector<std::string>> cells;
    std::size_t lines = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(wrapped(row[i], widths[i]));
      lines = std::max(lines, cells.back().size());
    }
    for (std::size_t at = 0; at < lines; ++at) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string text = at < cells[i].size() ? cells[i][at] : "";
        const std::string fill(widths[i] - worker::count_characters(text), ' ');
        line += std::string(kGap, ' ') + (right[i] ? fill + text : text + fill);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out << line << '\n';
    }
  }
}

std::string seconds_text(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 48 * 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {:02} h", whole / 86400, whole % 86400 / 3600);
}

std::string rounded_bytes(double bytes) {
  const char* unit = "B";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (bytes < 1000) break;
    bytes /= 1000;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 9.95 ? 1 : 0, unit);
}

std::string count_text(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

}  // namespace peftgrid::orchestrator
