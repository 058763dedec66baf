#include <algorithm>
#include <string_view>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/legend.hpp"
#include "orchestrator/report/writers.hpp"

namespace peftgrid::orchestrator {
namespace {

/// Text as text: nothing of it becomes markup, a table's border or a new line.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (static_cast<unsigned char>(c) < 32 || c == 127) {
      safe += ' ';
    } else {
      if (std::string_view("\\`*_{}[]#|~").find(c) != std::string_view::npos) safe += '\\';
      safe += c;
    }
  }
  return safe;
}

std::string cell(const TextCell& cell) {
  std::string text = escaped(cell.text);
  if (cell.strong) text = "**" + text + "**";
  if (cell.star) text += " \\*";
  for (const std::size_t note : cell.notes) text += "<sup>" + note_mark(note) + "</sup>";
  return text;
}

std::string table_text(const TextTable& table) {
  std::string text = "|";
  for (const HeaderCell& head : table.header) {
    text += " " + escaped(head.text) + (head.detail.empty() ? "" : " (" + escaped(head.detail) + ")") + " |";
  }
  text += "\n|";
  for (std::size_t i = 0; i < table.header.size(); ++i) text += i == 0 ? " :-- |" : " --: |";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    text += "\n|";
    const bool footer = r + table.footer_rows >= table.rows.size();
    for (std::size_t i = 0; i < table.rows[r].size(); ++i) {
      const std::string content = cell(table.rows[r][i]);
      text += " " + (footer && i == 0 ? "*" + content + "*" : content) + " |";
    }
  }
  return text + "\n\n";
}

std::string table_section(const ScoreTable& table) {
  std::string text = "## " + escaped(table.heading) + "\n\n" + table_text(score_layout(table));
  for (const std::string& sentence : table.sentences) text += escaped(sentence) + "\n\n";
  for (const std::string& line : design_lines(table)) text += escaped(line) + "\n";
  for (const std::string& line : legend(table)) text += escaped(line) + "\n";
  for (const std::string& remark : table.remarks) text += escaped(remark) + "\n";
  text += "\n";
  for (std::size_t i = 0; i < table.notes.size(); ++i) {
    text += "- <sup>" + note_mark(i) + "</sup> " + escaped(table.notes[i]) + "\n";
  }
  text += table.notes.empty() ? "" : "\n";
  const TextTable differences = difference_layout(table);
  if (!differences.rows.empty()) text += "### " + escaped(differences.caption) + "\n\n" + table_text(differences);
  const TextTable costs = cost_layout(table);
  if (!costs.rows.empty()) {
    text += "### " + escaped(costs.caption) + "\n\n" + table_text(costs) + escaped(cost_remark(table)) + "\n\n";
  }
  return text;
}

}  // namespace

std::string markdown(const ReportModel& model, const std::vector<Plot>& plots) {
  std::string text = "# " + escaped(model.title) + "\n\n";
  for (const std::string& remark : model.remarks) text += "- " + escaped(remark) + "\n";
  if (!model.remarks.empty()) text += "\n";
  for (const ScoreTable& table : model.tables) text += table_section(table);
  if (!plots.empty()) text += "## Plots\n\n";
  for (const Plot& plot : plots) text += "![" + escaped(plot.caption) + "](" + plot.file + ")\n\n";
  return text;
}

}  // namespace peftgrid::orchestrator
