#include <algorithm>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/legend.hpp"
#include "orchestrator/report/writers.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kGap = 2;

/// No control character reaches the terminal, whatever a label holds.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, ' ');
  return text;
}

/// `starred`: some cell of its column has a star, so that numbers stay below each other.
std::string shown(const TextCell& cell, bool starred) {
  std::string text = printable(cell.text);
  if (starred) text += cell.star ? " *" : "  ";
  for (const std::size_t note : cell.notes) text += " " + note_mark(note);
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string room(width - std::min(width, worker::count_characters(text)), ' ');
  return left ? text + room : room + text;
}

std::string wrapped(const std::string& text, std::size_t indent = 0) {
  std::string lines, line;
  const std::string margin(indent, ' ');
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && worker::count_characters(line) + 1 + worker::count_characters(word) > kColumns) {
      lines += line + "\n";
      line = margin + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
    at = end + 1;
  }
  return lines + line + "\n";
}

using Grid = std::vector<std::vector<std::string>>;  // header first; all rows equally long

Grid grid_of(const TextTable& table) {
  Grid grid(1);
  for (const HeaderCell& head : table.header) {
    grid[0].push_back(printable(head.text + (head.detail.empty() ? "" : " " + head.detail)));
  }
  std::vector<bool> starred(table.header.size());
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < row.size(); ++c) starred[c] = starred[c] || row[c].star;
  }
  for (const auto& row : table.rows) {
    std::vector<std::string>& line = grid.emplace_back();
    for (std::size_t c = 0; c < row.size(); ++c) line.push_back(shown(row[c], starred[c]));
  }
  return grid;
}

/// Columns `first` up to the last that still fits beside the methods' names, in lines; sets `first` to the next one.
std::string block(const Grid& grid, const std::vector<std::size_t>& widths, std::size_t& first, std::size_t footer) {
  std::size_t last = first, room = widths[0] + kGap + widths[first];
  while (last + 1 < widths.size() && room + kGap + widths[last + 1] <= kColumns) room += kGap + widths[++last];
  std::string text;
  for (std::size_t r = 0; r < grid.size(); ++r) {
    if (r == 1 || r + footer == grid.size()) text += std::string(room, '-') + "\n";
    text += padded(grid[r][0], widths[0], true);
    for (std::size_t c = first; c <= last; ++c) text += std::string(kGap, ' ') + padded(grid[r][c], widths[c], false);
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  first = last + 1;
  return text;
}

std::string table_text(const TextTable& table) {
  const Grid grid = grid_of(table);
  std::vector<std::size_t> widths(table.header.size());
  for (const auto& row : grid) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], worker::count_characters(row[c]));
  }
  std::string text;
  for (std::size_t first = 1; first < widths.size();) {
    if (first > 1) text += "\n";
    text += block(grid, widths, first, table.footer_rows);
  }
  return text;
}

}  // namespace

std::string terminal_table(const ReportModel& model) {
  std::string text, star;
  for (const ScoreTable& table : model.tables) {
    text += (text.empty() ? "" : "\n") + printable(table.heading) + "\n" + table_text(score_layout(table));
    for (const std::string& line : design_lines(table)) text += wrapped(printable(line));
    const TextTable differences = difference_layout(table);
    if (!differences.rows.empty()) {
      text += "\nagainst " + printable(table.rules.baseline) + ", 95 % (all of a column together)\n" +
              table_text(differences);
    }
    for (const std::string& sentence : table.sentences) text += wrapped(printable(sentence));
    for (std::size_t i = 0; i < table.notes.size(); ++i) {
      text += wrapped(note_mark(i) + "  " + printable(table.notes[i]), 3);
    }
    if (star.empty()) star = star_line(table);
  }
  if (!star.empty()) text += star + "\n";
  for (const std::string& remark : model.remarks) text += wrapped(printable(remark));
  return text;
}

}  // namespace peftgrid::orchestrator
