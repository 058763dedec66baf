#include <string_view>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/legend.hpp"
#include "orchestrator/report/sizes_layout.hpp"
#include "orchestrator/report/writers.hpp"

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

std::string line(const std::vector<TextCell>& cells) {
  std::string text;
  for (const TextCell& one : cells) text += (text.empty() ? "" : " & ") + cell(one);
  return text + " \\\\\n";
}

/// Not wider than the column of the page, of one or of two columns.
std::string fitted(const std::string& tabular) {
  return "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n" + tabular + "}\n";
}

std::string tabular(const TextTable& table) {
  std::string text = "\\begin{tabular}{l" + std::string(table.header.size() - 1, 'r') + "}\n\\toprule\n";
  std::string details;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    text += (i == 0 ? "" : " & ") + escaped(table.header[i].text);
    details += (i == 0 ? "" : " & ") + escaped(table.header[i].detail);
  }
  text += " \\\\\n" + details + " \\\\\n\\midrule\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    if (table.footer_rows > 0 && r + table.footer_rows == table.rows.size()) text += "\\midrule\n";
    text += line(table.rows[r]);
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

/// `label`: for \ref.
std::string floating(const TextTable& table, const std::string& label, const std::string& below) {
  return "\\begin{table}\n\\centering\n\\caption{" + escaped(table.caption) + "}\\label{" + label + "}\n" +
         fitted(tabular(table)) + below + "\\end{table}\n\n";
}

std::string under(const std::string& text) {
  return "\n\\smallskip\\parbox{\\linewidth}{\\footnotesize " + text + "}\n";
}

std::string notes_text(const std::vector<std::string>& notes) {
  std::string text;
  for (std::size_t i = 0; i < notes.size(); ++i)
    text += " \\textsuperscript{" + note_mark(i) + "}" + escaped(notes[i]) + ".";
  return text;
}

/// Sentences, the design and remarks of a table; `heading` where several tables stand together.
std::string said_of(const ScoreTable& table, const std::string& heading) {
  std::string text = escaped(heading);
  for (const std::string& sentence : table.sentences) text += escaped(sentence) + " ";
  for (const std::string& line : design_lines(table)) text += escaped(line) + " ";
  for (const std::string& remark : table.remarks) text += escaped(remark) + " ";
  return text;
}

std::string legend_text(const ScoreTable& table) {
  std::string text;
  for (const std::string& entry : legend(table)) text += " " + escaped(entry);
  return text;
}

std::string costs_text(const ScoreTable& table, const std::string& number) {
  const TextTable costs = cost_layout(table);
  return costs.rows.empty() ? "" : floating(costs, "tab:costs-" + number, under(escaped(cost_remark(table))));
}

std::string one_table(const ScoreTable& table, const std::string& number) {
  std::string text = floating(score_layout(table), "tab:scores-" + number,
                              under(said_of(table, "") + legend_text(table) + notes_text(table.notes)));
  const TextTable differences = difference_layout(table);
  if (!differences.rows.empty()) text += floating(differences, "tab:differences-" + number, "");
  return text + costs_text(table, number);
}

/// One task at several sizes: one table of scores and one of differences.
std::string tables_of_sizes(const std::vector<const ScoreTable*>& tables, const std::string& number) {
  const SizesLayout layout = sizes_layout(tables);
  std::string below;
  for (const ScoreTable* table : tables) below += said_of(*table, size_text(table->train_size) + ", ");
  below += legend_text(*tables.front()) + notes_text(layout.notes);
  std::string text = floating(layout.scores, "tab:scores-" + number, under(below));
  if (!layout.differences.rows.empty()) text += floating(layout.differences, "tab:differences-" + number, "");
  for (std::size_t i = 0; i < tables.size(); ++i) text += costs_text(*tables[i], number + "-" + std::to_string(i + 1));
  return text;
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
