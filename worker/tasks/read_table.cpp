#include "worker/tasks/read_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/csv_reader.hpp"
#include "worker/tasks/json_lines.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint64_t kMostFileBytes = std::uint64_t{4} << 30;
constexpr std::size_t kMostFieldBytes = std::size_t{1} << 20;
constexpr std::size_t kMostColumns = 10'000;

using Fields = std::vector<std::string_view>;

void split_line(std::string_view line, char separator, Fields& fields) {
  fields.clear();
  for (;;) {
    const std::size_t tab = line.find(separator);
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

/// Where the wanted columns stand, and how many a row must have.
struct Layout {
  std::vector<std::size_t> positions;
  std::size_t columns = 0;
};

/// A column that is not found may stand in a header that another separator would split, or in quotes.
std::optional<std::string> why_not_split(const std::vector<std::string>& header, const std::string& column,
                                         const TableRequest& request) {
  if (std::ranges::find(header, "\"" + column + "\"") != header.end()) {
    return fmt::format("no column {}; the header has it in quotes, which `quotes: true` takes off", in_quotes(column));
  }
  if (header.size() != 1) return std::nullopt;
  for (const char separator : {',', ';', '\t', '|'}) {
    if (separator == request.separator() || header[0].find(separator) == std::string::npos) continue;
    const bool usual = request.format == "tsv" && separator == ',';
    return fmt::format("no column {}; the header has no {}, but a {}: `{}` would be right", in_quotes(column),
                       name_of_separator(request.separator()), name_of_separator(separator),
                       usual ? "format: csv" : "delimiter: " + word_of_separator(separator));
  }
  return std::nullopt;
}

Layout layout_by_name(const std::vector<std::string>& header, const TableRequest& request, const std::string& where) {
  Layout layout{{}, header.size()};
  if (header.size() > kMostColumns) wrong_line(where, 1, fmt::format("the header has {} columns", header.size()));
  for (const Column& column : request.columns) {
    if (column.name.empty()) {
      layout.positions.push_back(static_cast<std::size_t>(column.index));
      continue;
    }
    const auto found = std::ranges::find(header, column.name);
    if (found == header.end()) {
      if (const auto hint = why_not_split(header, column.name, request)) wrong_line(where, 1, *hint);
      const std::string near = nearest_name(column.name, header);
      std::string hint = near.empty() ? "the header has " : "did you mean " + in_quotes(near) + "? The header has ";
      std::vector<std::string> names(header.begin(),
                                     header.begin() + static_cast<long>(std::min<std::size_t>(header.size(), 20)));
      for (std::string& name : names) name = in_quotes(name);
      wrong_line(where, 1, fmt::format("no column {}; {}{}", in_quotes(column.name), hint, joined(names)));
    }
    if (std::find(found + 1, header.end(), column.name) != header.end()) {
      wrong_line(where, 1, fmt::format("two columns are called {}; names must differ", in_quotes(column.name)));
    }
    layout.positions.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  return layout;
}

Layout layout_by_index(std::size_t columns, const TableRequest& request, const std::string& where, std::int64_t line) {
  Layout layout{{}, columns};
  for (const Column& column : request.columns) {
    if (column.index < 0) {
      wrong_line(where, line,
                 fmt::format("column {} is asked for by name, but the file has no header; give its number, "
                             "counted from 0",
                             in_quotes(column.name)));
    }
    if (static_cast<std::size_t>(column.index) >= columns) {
      wrong_line(where, line, fmt::format("no column {}; rows have columns 0 to {}", column.index, columns - 1));
    }
    layout.positions.push_back(static_cast<std::size_t>(column.index));
  }
  return layout;
}

/// Does a field open with a quote that it does not close?
template <typename Text>
bool opens_quote(const Text& field) {
  return !field.empty() && field.front() == '"' && (field.size() == 1 || field.back() != '"');
}

/// Collects rows of TSV and CSV alike: the header first, then every record through `add`.
class Collector {
 public:
  Collector(const TableRequest& request, const std::string& where) : request_(request), where_(where) {}

  template <typename Text>
  void add(const std::vector<Text>& record, std::int64_t line) {
    if (!known_) {
      known_ = true;
      if (request_.header) {
        layout_ = layout_by_name({record.begin(), record.end()}, request_, where_);
        return;
      }
      layout_ = layout_by_index(record.size(), request_, where_, line);
    }
    if (record.size() != layout_.columns) {
      if (request_.skip_malformed) {
        ++table_.skipped;
        return;
      }
      const bool opens = request_.format == "tsv" && std::ranges::any_of(record, opens_quote<Text>);
      wrong_line(where_, line,
                 fmt::format("{} {} where {} has {}{}", record.size(), record.size() == 1 ? "field" : "fields",
                             request_.header ? "the header" : "the first row", layout_.columns,
                             opens ? "; a field that opens with a quote and goes on in the next line is read with "
                                     "`quotes: true`"
                                   : ""));
    }
    std::vector<std::string> row;
    row.reserve(layout_.positions.size());
    for (const std::size_t position : layout_.positions) {
      const Text& field = record[position];
      if (field.size() > kMostFieldBytes) {
        wrong_line(where_, line,
                   fmt::format("a field of {} bytes; at most {} are read", field.size(), kMostFieldBytes));
      }
      row.emplace_back(field);
    }
    table_.rows.push_back(std::move(row));
    table_.lines.push_back(line);
  }

  Table finish() {
    if (table_.rows.empty()) {
      wrong_line(where_, 1, request_.header && known_ ? "has a header and no rows" : "is empty");
    }
    return std::move(table_);
  }

 private:
  const TableRequest& request_;
  const std::string& where_;
  bool known_ = false;
  Layout layout_;
  Table table_;
};

Table parse_tsv(std::string_view text, const TableRequest& request, const std::string& where) {
  Collector rows(request, where);
  Fields fields;
  for (std::int64_t line = 1; !text.empty(); ++line) {
    const std::string_view record = take_line(text);
    if (record.empty()) continue;
    split_line(record, request.separator(), fields);
    rows.add(fields, line);
  }
  return rows.finish();
}

Table parse_csv(std::string_view text, const TableRequest& request, const std::string& where) {
  Collector rows(request, where);
  CsvReader reader(text, request.separator(), where);
  std::vector<std::string> record;
  std::int64_t line = 1;
  while (reader.next(record, line)) rows.add(record, line);
  return rows.finish();
}

/// Files of old spreadsheets end their lines in CR alone: then there is no LF, or at most a last one.
std::optional<std::string> with_line_feeds(std::string_view text) {
  const std::size_t first = text.find('\n');
  const bool feeds = first != std::string_view::npos && first + 1 != text.size();
  const std::size_t returns = text.substr(0, text.empty() ? 0 : text.size() - 1).find('\r');
  if (feeds || returns == std::string_view::npos || text.substr(returns, 2) == "\r\n") return std::nullopt;
  std::string out(text);
  std::ranges::replace(out, '\r', '\n');
  return out;
}

}  // namespace

char TableRequest::separator() const {
  return delimiter.empty() ? (format == "tsv" ? '\t' : ',') : delimiter.front();
}

std::string name_of_separator(char separator) {
  if (separator == '\t') return "tab";
  if (separator == ',') return "comma";
  return separator == ';' ? "semicolon" : fmt::format("\"{}\"", separator);
}

std::string word_of_separator(char separator) {
  return separator == '\t' ? "tab" : fmt::format("\"{}\"", separator);
}

void wrong_line(const std::string& where, std::int64_t line, const std::string& what) {
  throw UsageError(fmt::format("{}:{}: {}", where, line, what));
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// What only looks like a table by its name.
void refuse_other_files(std::string_view text, const std::string& where) {
  using namespace std::string_view_literals;
  if (text.starts_with("\x1F\x8B")) wrong_line(where, 1, "is compressed; unpack it with `gunzip` first");
  const bool wide = text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv);
  if (!wide && !text.starts_with("\xFF\xFE") && !text.starts_with("\xFE\xFF")) return;
  const char* name = wide ? "UTF-32" : "UTF-16";
  wrong_line(where, 1, fmt::format("is {0}; tables are UTF-8 text: convert it with `iconv -f {0} -t UTF-8`", name));
}

Table parse_table(std::string_view text, const TableRequest& request, const std::string& where) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  refuse_other_files(text, where);
  if (request.format != "jsonl" && text.starts_with("sep=") && text.find_first_of("\r\n") == 5) {
    wrong_line(where, 1,
               fmt::format("is Excel's own line for the delimiter; leave it out and say `delimiter: \"{}\"`", text[4]));
  }
  const auto converted = with_line_feeds(text);
  if (converted) text = *converted;
  if (const auto bad = first_invalid_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(*bad), '\n');
    if (text[*bad] == '\0') wrong_line(where, line, "holds a zero byte; tables are UTF-8 text");
    wrong_line(where, line, "is not UTF-8 from here on; convert it, with iconv for example");
  }
  if (request.format == "tsv") return parse_tsv(text, request, where);
  if (request.format == "csv") return parse_csv(text, request, where);
  return parse_json_lines(text, request, where);
}

Table read_table(const std::string& path, const TableRequest& request) {
  return parse_table(read_whole_file(path, kMostFileBytes), request, path);
}

std::string format_of(const std::string& path) {
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  if (ends(".tsv")) return "tsv";
  if (ends(".csv")) return "csv";
  return ends(".jsonl") || ends(".ndjson") ? "jsonl" : "";
}

}  // namespace peftgrid::worker
