#include <algorithm>
#include <string_view>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/legend.hpp"
#include "orchestrator/report/sizes_layout.hpp"
#include "orchestrator/report/writers.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '\\':
        safe += "\\textbackslash{}";
        break;
      case '~':
        safe += "\\textasciitilde{}";
        break;
      case '^':
        safe += "\\textasciicircum{}";
        break;
      case '<':
        safe += "\\textless{}";
        break;
      case '>':
        safe += "\\textgreater{}";
        break;
      case '[':
        safe += "{[}";
        break;  // right after \\ it would be read as an option
      case ']':
        safe += "{]}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        safe += '\\';
        safe += c;
        break;
      default:
        safe += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
    }
  }
  replace_all(safe, "±", "$\\pm$");
  replace_all(safe, "×", "$\\times$");
  replace_all(safe, "–", "--");
  return safe;
}

/// A minus sign is longer than a hyphen: in front of a digit, at a number's beginning.
std::string with_minus_signs(std::string text) {
  for (std::size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at)) {
    const bool begins = at == 0 || std::string_view(" {[").find(text[at - 1]) != std::string_view::npos;
    // escaped() puts a bracket into braces of its own.
    const bool after_bracket = at >= 3 && text.compare(at - 3, 3, "{[}") == 0;
    if ((begins || after_bracket) && at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9') {
      text.replace(at, 1, "$-$");
      at += 3;
    } else {
      ++at;
    }
  }
  return text;
}

std::string cell(const TextCell& cell) {
  std::string text = with_minus_signs(escaped(cell.text));
  if (cell.strong) text = "\\textbf{" + text + "}";
  if (cell.star) text += "$^{*}$";
  for (const std::size_t note : cell.notes) text += "\\textsuperscript{" + note_mark(note) + "}";
  return text;
}

/// At \footnotesize so many characters are as wide as a page of one column, and as a column of a page of two.
constexpr std::size_t kPageCharacters = 95, kColumnCharacters = 60;

std::size_t width_of(const TextTable& table, std::size_t column) {
  std::size_t most = worker::count_characters(table.header[column].text);
  most = std::max(most, worker::count_characters(table.header[column].detail));
  for (const std::vector<TextCell>& row : table.rows)
    most = std::max(most, worker::count_characters(row[column].text) + (row[column].star ? 1 : 0));
  constexpr std::size_t kBetween = 2;
  return most + kBetween;
}

/// Columns that stand beside each other, the methods' left out, so that no part is wider than the page.
struct Part {
  std::size_t first = 1, end = 1, width = 0;
};
std::vector<Part> parts_of(const TextTable& table) {
  const std::size_t methods = width_of(table, 0);
  std::vector<Part> parts;
  for (std::size_t column = 1; column < table.header.size(); ++column) {
    const std::size_t width = width_of(table, column);
    if (parts.empty() || parts.back().width + width > kPageCharacters) parts.push_back({column, column, methods});
    parts.back().end = column + 1;
    parts.back().width += width;
  }
  return parts;
}

std::string tabular(const TextTable& table, const Part& part) {
  std::string text = "\\begin{tabular}{l" + std::string(part.end - part.first, 'r') + "}\n\\toprule\n";
  std::string details = escaped(table.header[0].detail);
  text += escaped(table.header[0].text);
  for (std::size_t i = part.first; i < part.end; ++i) {
    text += " & " + escaped(table.header[i].text);
    details += " & " + escaped(table.header[i].detail);
  }
  text += " \\\\\n" + details + " \\\\\n\\midrule\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (table.footer_rows > 0 && r + table.footer_rows == table.rows.size()) text += "\\midrule\n";
    text += cell(table.rows[r][0]);
    for (std::size_t i = part.first; i < part.end; ++i) text += " & " + cell(table.rows[r][i]);
    text += " \\\\\n";
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

/// Never wider than where it stands, whatever the class makes of the fonts.
std::string fitted(const std::string& tabular) {
  return "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n" + tabular + "}\n";
}

/// `label`: for \ref. `below`: short, or the page does not hold it. A wide one spans both columns of a page of two.
std::string floating(const TextTable& table, const std::string& label, const std::string& below) {
  const std::vector<Part> parts = parts_of(table);
  std::size_t widest = 0;
  std::string tabulars;
  for (const Part& part : parts) {
    widest = std::max(widest, part.width);
    tabulars += (tabulars.empty() ? "" : "\n\\medskip\n") + fitted(tabular(table, part));
  }
  const std::string kind = widest > kColumnCharacters ? "table*" : "table";
  return "\\begin{" + kind + "}\n\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}\n\\caption{" +
         escaped(table.caption) + "}\\label{" + label + "}\n" + tabulars + below + "\\end{" + kind + "}\n\n";
}

std::string under(const std::string& text) {
  return text.empty() ? "" : "\n\\smallskip\\parbox{\\linewidth}{\\footnotesize " + text + "}\n";
}

std::string notes_text(const std::vector<std::string>& notes) {
  std::string text;
  for (std::size_t i = 0; i < notes.size(); ++i)
    text += " \\textsuperscript{" + note_mark(i) + "}" + escaped(notes[i]) + ".";
  return text;
}

/// Under a table of scores: what its marks mean.
std::string marks_text(const ScoreTable& table, const std::vector<std::string>& notes) {
  const std::string star = star_line(table);
  return (star.empty() ? "" : "$^{*}$" + escaped(star.substr(1)) + ".") + notes_text(notes);
}

/// Sentences, the design and remarks of a table.
std::string said_of(const ScoreTable& table) {
  std::string text = "\\paragraph{" + escaped(table.heading) + ".}";
  for (const std::string& sentence : table.sentences) text += " " + escaped(sentence);
  for (const std::string& line : design_lines(table)) text += " " + escaped(line);
  for (const std::string& remark : table.remarks) text += " " + escaped(remark);
  return text + "\n\n";
}

std::string legend_text(const ScoreTable& table) {
  std::string text = "\\paragraph{How to read it.}";
  for (const std::string& entry : legend(table)) text += " " + escaped(entry);
  return text + "\n\n";
}

std::string costs_text(const ScoreTable& table, const std::string& number) {
  const TextTable costs = cost_layout(table);
  return costs.rows.empty() ? "" : floating(costs, "tab:costs-" + number, under(escaped(cost_remark(table))));
}

std::string one_table(const ScoreTable& table, const std::string& number) {
  std::string text = floating(score_layout(table), "tab:scores-" + number, under(marks_text(table, table.notes)));
  const TextTable differences = difference_layout(table);
  if (!differences.rows.empty()) text += floating(differences, "tab:differences-" + number, "");
  return text + costs_text(table, number) + said_of(table) + legend_text(table);
}

/// One task at several sizes: one table of scores and one of differences.
std::string tables_of_sizes(const std::vector<const ScoreTable*>& tables, const std::string& number) {
  const SizesLayout layout = sizes_layout(tables);
  std::string text = floating(layout.scores, "tab:scores-" + number, under(marks_text(*tables.front(), layout.notes)));
  if (!layout.differences.rows.empty()) text += floating(layout.differences, "tab:differences-" + number, "");
  for (std::size_t i = 0; i < tables.size(); ++i) text += costs_text(*tables[i], number + "-" + std::to_string(i + 1));
  for (const ScoreTable* table : tables) text += said_of(*table);
  return text + legend_text(*tables.front());
}

/// The tables from this one on that have its backbone.
std::vector<const ScoreTable*> of_one_backbone(const std::vector<ScoreTable>& tables, std::size_t from) {
  std::vector<const ScoreTable*> found;
  for (std::size_t i = from; i < tables.size() && tables[i].backbone == tables[from].backbone; ++i)
    found.push_back(&tables[i]);
  return found;
}

}  // namespace

std::string latex(const ReportModel& model) {
  std::string text = "% \\usepackage{booktabs,graphicx} in the preamble; \\input this file.\n";
  for (std::size_t i = 0; i < model.tables.size();) {
    const std::string number = std::to_string(i + 1);
    const std::vector<const ScoreTable*> sizes = of_one_backbone(model.tables, i);
    const bool together = are_sizes_of_one_column(sizes);
    text += together ? tables_of_sizes(sizes, number) : one_table(model.tables[i], number);
    i += together ? sizes.size() : 1;
  }
  return text;
}

}  // namespace peftgrid::orchestrator
