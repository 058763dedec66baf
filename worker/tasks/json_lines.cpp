#include "worker/tasks/json_lines.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/shallow_json.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::size_t kMostRowBytes = std::size_t{8} << 20;

std::string json_field(const nlohmann::json& row, const Column& column, const std::string& where, std::int64_t line) {
  const auto found = row.find(column.name);
  if (found == row.end()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : row.items()) {
      if (keys.size() < 20) keys.push_back(key);
    }
    const std::string near = nearest_name(column.name, keys);
    wrong_line(where, line,
               fmt::format(
                   "no key {}{}", in_quotes(column.name),
                   near.empty() ? std::string("; every row must have it") : "; did you mean " + in_quotes(near) + "?"));
  }
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number() || found->is_boolean()) return found->dump();
  wrong_line(where, line,
             fmt::format("key {} holds {}; a text or a number would be right", in_quotes(column.name),
                         found->is_null()    ? "null"
                         : found->is_array() ? "a list"
                                             : "an object"));
}

/// The first word of a row that stands where a value should, and that JSON does not know.
std::string foreign_number(std::string_view record) {
  bool inside = false;
  for (std::size_t at = 0; at < record.size(); ++at) {
    if (inside && record[at] == '\\') {
      ++at;
    } else if (record[at] == '"') {
      inside = !inside;
    }
    if (inside) continue;
    for (const char* word : {"NaN", "nan", "Infinity", "-Infinity", "None", "True", "False"}) {
      if (record.substr(at).starts_with(word)) return word;
    }
  }
  return {};
}

[[noreturn]] void not_json(std::string_view record, const std::string& where, std::int64_t line) {
  const std::string word = foreign_number(record);
  if (word.empty()) wrong_line(where, line, "is not JSON; JSON Lines has one whole object a line");
  wrong_line(
      where, line,
      fmt::format("holds {}, which is no JSON value; write a text or a number there, or leave the row out", word));
}

/// A file that is one list of objects would fail at its first line, which says little.
void refuse_list(std::string_view text, const std::string& where) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '[') return;
  const nlohmann::json all = checkpoint::parse_shallow(text);
  if (!all.is_array() || all.empty() || !all[0].is_object()) return;
  wrong_line(
      where, 1,
      fmt::format("is one JSON list of {} objects; JSON Lines has one object a line, as `jq -c '.[]'` writes them",
                  all.size()));
}

}  // namespace

Table parse_json_lines(std::string_view text, const TableRequest& request, const std::string& where) {
  refuse_list(text, where);
  Table table;
  for (std::int64_t line = 1; !text.empty(); ++line) {
    const std::string_view record = take_line(text);
    if (record.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (record.size() > kMostRowBytes) wrong_line(where, line, fmt::format("a row of {} bytes", record.size()));
    constexpr int kDeepest = 32;
    std::string twice;
    const nlohmann::json row = checkpoint::parse_shallow(record, kDeepest, &twice);
    if (!twice.empty()) wrong_line(where, line, fmt::format("the key {} is here twice", in_quotes(twice)));
    if (row.is_discarded()) not_json(record, where, line);
    if (!row.is_object()) wrong_line(where, line, "is not a JSON object; each line must be {\"key\": value, ...}");
    std::vector<std::string> fields;
    for (const Column& column : request.columns) fields.push_back(json_field(row, column, where, line));
    table.rows.push_back(std::move(fields));
    table.lines.push_back(line);
  }
  if (table.rows.empty()) wrong_line(where, 1, "is empty");
  return table;
}

}  // namespace peftgrid::worker
