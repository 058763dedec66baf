#include <string_view>

#include "orchestrator/report/class_scores.hpp"
#include "orchestrator/report/format.hpp"
#include "orchestrator/report/layout.hpp"
#include "orchestrator/report/legend.hpp"
#include "orchestrator/report/style.hpp"
#include "orchestrator/report/writers.hpp"

namespace peftgrid::orchestrator {
namespace {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
    }
  }
  return safe;
}

/// Footnotes have one name in the page: table and note.
std::string note_id(std::size_t table, std::size_t note) {
  return "note-" + std::to_string(table) + "-" + note_mark(note);
}

bool tells_no_number(const std::string& text) {
  return text.find_first_of("0123456789") == std::string::npos;
}

std::string cell(const TextCell& cell, std::size_t table) {
  std::string notes;
  for (const std::size_t note : cell.notes) {
    notes += "<sup><a href=\"#" + note_id(table, note) + "\">" + note_mark(note) + "</a></sup>";
  }
  const char* kind = cell.strong ? " class=\"mark\"" : (tells_no_number(cell.text) ? " class=\"none\"" : "");
  const std::string text = escaped(cell.text);
  const char* star = cell.star ? "&thinsp;<span class=\"star\">*</span>" : "";
  return std::string("<td") + kind + ">" + (cell.strong ? "<strong>" + text + "</strong>" : text) + star + notes +
         "</td>";
}

std::string row(const std::vector<TextCell>& cells, std::size_t table) {
  std::string text = "<tr><th scope=\"row\">" + escaped(cells.front().text) + "</th>";
  for (std::size_t i = 1; i < cells.size(); ++i) text += cell(cells[i], table);
  return text + "</tr>\n";
}

std::string table_text(const TextTable& table, std::size_t number) {
  // Focusable, so that those who use a keyboard can scroll it too.
  std::string text = "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"" + escaped(table.caption) +
                     "\"><table>\n<caption>" + escaped(table.caption) + "</caption>\n<thead><tr>";
  for (const HeaderCell& head : table.header) {
    text += "<th scope=\"col\">" + escaped(head.text) +
            (head.detail.empty() ? "" : "<small>" + escaped(head.detail) + "</small>") + "</th>";
  }
  text += "</tr></thead>\n<tbody>\n";
  const std::size_t body = table.rows.size() - table.footer_rows;
  for (std::size_t r = 0; r < body; ++r) text += row(table.rows[r], number);
  text += "</tbody>\n";
  if (table.footer_rows > 0) {
    text += "<tfoot>\n";
    for (std::size_t r = body; r < table.rows.size(); ++r) text += row(table.rows[r], number);
    text += "</tfoot>\n";
  }
  return text + "</table></div>\n";
}

std::string small(const std::string& text) {
  return "<p class=\"small\">" + escaped(text) + "</p>\n";
}

/// Shut until it is asked for: a page of many tables stays one that can be read.
std::string class_details(const ScoreTable& table, std::size_t number) {
  std::string text;
  for (const ClassScores& scores : table.classes) {
    text += "<details><summary>" + escaped(scores.heading) + ": each class</summary>\n" +
            table_text(class_layout(scores), number) + "<div class=\"confusions\">\n";
    for (const ClassScores::Method& method : scores.methods)
      text += table_text(confusion_layout(scores, method), number);
    text += "</div></details>\n";
  }
  if (!text.empty()) text += small("Means over the seeds that worked; a row of a confusion table adds up to 100 %.");
  return text;
}

std::string table_section(const ScoreTable& table, std::size_t number) {
  std::string text = "<section id=\"table-" + std::to_string(number) + "\">\n<h2>" + escaped(table.heading) + "</h2>\n";
  text += table_text(score_layout(table), number);
  for (const std::string& sentence : table.sentences) text += "<p class=\"sentence\">" + escaped(sentence) + "</p>\n";
  for (const std::string& line : design_lines(table)) text += small(line);
  if (!table.notes.empty()) {
    text += "<ul class=\"notes\">\n";
    for (std::size_t i = 0; i < table.notes.size(); ++i) {
      text += "<li id=\"" + note_id(number, i) + "\"><sup>" + note_mark(i) + "</sup> " + escaped(table.notes[i]) +
              "</li>\n";
    }
    text += "</ul>\n";
  }
  for (const std::string& line : legend(table)) text += small(line);
  for (const std::string& remark : table.remarks) text += small(remark);
  const TextTable differences = difference_layout(table);
  if (!differences.rows.empty()) {
    text += "<h3>Against " + escaped(table.rules.baseline) + "</h3>\n" + table_text(differences, number);
  }
  const TextTable costs = cost_layout(table);
  if (!costs.rows.empty()) {
    text += "<h3>What each method costs</h3>\n" + table_text(costs, number) + small(cost_remark(table));
  }
  if (!table.classes.empty()) text += "<h3>Classes</h3>\n" + class_details(table, number);
  return text + "</section>\n";
}

/// The drawing without the XML prolog, which has no place inside a page.
std::string inline_svg(const Plot& plot) {
  const std::size_t start = plot.svg.find("<svg");
  if (start == std::string::npos) return "";
  return "<svg role=\"img\" aria-label=\"" + escaped(plot.caption) + "\"" + plot.svg.substr(start + 4);
}

std::string navigation(const ReportModel& model, bool plots) {
  std::string text = "<nav aria-label=\"Contents\"><ul>\n";
  for (std::size_t i = 0; i < model.tables.size(); ++i) {
    text += "<li><a href=\"#table-" + std::to_string(i) + "\">" + escaped(model.tables[i].heading) + "</a></li>\n";
  }
  if (plots) text += "<li><a href=\"#plots\">Plots</a></li>\n";
  return text + "</ul></nav>\n";
}

}  // namespace

std::string html(const ReportModel& model, const std::vector<Plot>& plots) {
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  text += escaped(model.title) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<main>\n<h1>" +
          escaped(model.title) + "</h1>\n" + navigation(model, !plots.empty());
  if (!model.remarks.empty()) {
    text += "<ul class=\"remarks\">\n";
    for (const std::string& remark : model.remarks) text += "<li>" + escaped(remark) + "</li>\n";
    text += "</ul>\n";
  }
  for (std::size_t i = 0; i < model.tables.size(); ++i) text += table_section(model.tables[i], i);
  if (!plots.empty()) text += "<section id=\"plots\">\n<h2>Plots</h2>\n<div class=\"plots\">\n";
  for (const Plot& plot : plots) {
    text += "<figure><div class=\"box\">" + inline_svg(plot) + "</div><figcaption>" + escaped(plot.caption) +
            "</figcaption></figure>\n";
  }
  if (!plots.empty()) text += "</div>\n</section>\n";
  return text + "</main>\n</body>\n</html>\n";
}

}  // namespace peftgrid::orchestrator
