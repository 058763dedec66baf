#include "worker/tasks/read_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "checkpoint/shallow_json.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::uint64_t kMostFileBytes = std::uint64_t{4} << 30;
constexpr std::size_t kMostFieldBytes = std::size_t{1} << 20;
constexpr std::size_t kMostColumns = 10'000;

[[noreturn]] void fail(const std::string& where, std::int64_t line, const std::string& what) {
  throw UsageError(fmt::format("{}:{}: {}", where, line, what));
}

/// The next line without its end; `text` loses it. CR LF counts as one line end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

using Fields = std::vector<std::string_view>;

void split_tsv(std::string_view line, Fields& fields) {
  fields.clear();
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

/// One CSV record, which may span lines, off the front of `text`. `line` moves on by the lines that it spans.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  bool next(std::vector<std::string>& record, std::int64_t& begins_at) {
    while (at_ < text_.size() && ends_line()) pass_line_end();
    if (at_ >= text_.size()) return false;
    begins_at = line_;
    record.clear();
    do record.push_back(field());
    while (at_ < text_.size() && text_[at_] == ',' && (++at_, true));
    if (at_ < text_.size()) pass_line_end();
    return true;
  }

 private:
  bool ends_line() const {
    return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }
  void pass_line_end() {
    at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
  }

  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted_field();
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && !ends_line()) {
      if (text_[at_] == '"') {
        fail(where_, line_, "a quote inside a field that does not begin with one; CSV wants the whole field quoted");
      }
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted_field() {
    const std::int64_t opened = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          ++at_;
        } else {
          ++at_;
          if (at_ < text_.size() && text_[at_] != ',' && !ends_line()) {
            fail(where_, line_, "text after a closing quote; a quote inside a quoted field is written twice");
          }
          return value;
        }
      }
      if (text_[at_] == '\n') ++line_;
      value += text_[at_];
    }
    fail(where_, opened, "a quoted field opens here and is never closed");
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

/// Where the wanted columns stand, and how many a row must have.
struct Layout {
  std::vector<std::size_t> positions;
  std::size_t columns = 0;
};

Layout layout_by_name(const std::vector<std::string>& header, const TableRequest& request, const std::string& where) {
  Layout layout{{}, header.size()};
  if (header.size() > kMostColumns) fail(where, 1, fmt::format("the header has {} columns", header.size()));
  for (const Column& column : request.columns) {
    if (column.name.empty()) {
      layout.positions.push_back(static_cast<std::size_t>(column.index));
      continue;
    }
    const auto found = std::ranges::find(header, column.name);
    if (found == header.end()) {
      const std::string near = nearest_name(column.name, header);
      std::string hint = near.empty() ? "the header has " : "did you mean " + in_quotes(near) + "? The header has ";
      std::vector<std::string> names(header.begin(),
                                     header.begin() + static_cast<long>(std::min<std::size_t>(header.size(), 20)));
      for (std::string& name : names) name = in_quotes(name);
      fail(where, 1, fmt::format("no column {}; {}{}", in_quotes(column.name), hint, joined(names)));
    }
    if (std::find(found + 1, header.end(), column.name) != header.end()) {
      fail(where, 1, fmt::format("two columns are called {}; names must differ", in_quotes(column.name)));
    }
    layout.positions.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  return layout;
}

Layout layout_by_index(std::size_t columns, const TableRequest& request, const std::string& where, std::int64_t line) {
  Layout layout{{}, columns};
  for (const Column& column : request.columns) {
    if (column.index < 0) {
      fail(where, line,
           fmt::format("column {} is asked for by name, but the file has no header; give its number, "
                       "counted from 0",
                       in_quotes(column.name)));
    }
    if (static_cast<std::size_t>(column.index) >= columns) {
      fail(where, line, fmt::format("no column {}; rows have columns 0 to {}", column.index, columns - 1));
    }
    layout.positions.push_back(static_cast<std::size_t>(column.index));
  }
  return layout;
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
      fail(where_, line,
           fmt::format("{} fields where {} has {}", record.size(), request_.header ? "the header" : "the first row",
                       layout_.columns));
    }
    std::vector<std::string> row;
    row.reserve(layout_.positions.size());
    for (const std::size_t position : layout_.positions) {
      const Text& field = record[position];
      if (field.size() > kMostFieldBytes) {
        fail(where_, line, fmt::format("a field of {} bytes; at most {} are read", field.size(), kMostFieldBytes));
      }
      row.emplace_back(field);
    }
    table_.rows.push_back(std::move(row));
    table_.lines.push_back(line);
  }

  Table finish() {
    if (table_.rows.empty()) {
      fail(where_, 1, request_.header && known_ ? "has a header and no rows" : "is empty");
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
    split_tsv(record, fields);
    rows.add(fields, line);
  }
  return rows.finish();
}

Table parse_csv(std::string_view text, const TableRequest& request, const std::string& where) {
  Collector rows(request, where);
  CsvReader reader(text, where);
  std::vector<std::string> record;
  std::int64_t line = 1;
  while (reader.next(record, line)) rows.add(record, line);
  return rows.finish();
}

std::string json_field(const nlohmann::json& row, const Column& column, const std::string& where, std::int64_t line) {
  const auto found = row.find(column.name);
  if (found == row.end()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : row.items()) {
      if (keys.size() < 20) keys.push_back(key);
    }
    const std::string near = nearest_name(column.name, keys);
    fail(where, line,
         fmt::format(
             "no key {}{}", in_quotes(column.name),
             near.empty() ? std::string("; every row must have it") : "; did you mean " + in_quotes(near) + "?"));
  }
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number() || found->is_boolean()) return found->dump();
  fail(where, line,
       fmt::format("key {} holds {}; a text or a number would be right", in_quotes(column.name),
                   found->is_null()    ? "null"
                   : found->is_array() ? "a list"
                                       : "an object"));
}

Table parse_jsonl(std::string_view text, const TableRequest& request, const std::string& where) {
  Table table;
  for (std::int64_t line = 1; !text.empty(); ++line) {
    const std::string_view record = take_line(text);
    if (record.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (record.size() > 8 * kMostFieldBytes) fail(where, line, fmt::format("a row of {} bytes", record.size()));
    const nlohmann::json row = checkpoint::parse_shallow(record);
    if (row.is_discarded()) fail(where, line, "is not JSON; JSON Lines has one whole object a line");
    if (!row.is_object()) fail(where, line, "is not a JSON object; each line must be {\"key\": value, ...}");
    std::vector<std::string> fields;
    for (const Column& column : request.columns) fields.push_back(json_field(row, column, where, line));
    table.rows.push_back(std::move(fields));
    table.lines.push_back(line);
  }
  if (table.rows.empty()) fail(where, 1, "is empty");
  return table;
}

}  // namespace

Table parse_table(std::string_view text, const TableRequest& request, const std::string& where) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto bad = first_invalid_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(*bad), '\n');
    if (text[*bad] == '\0') fail(where, line, "holds a zero byte; tables are UTF-8 text");
    fail(where, line, "is not UTF-8 from here on; convert it, with iconv for example");
  }
  if (request.format == "tsv") return parse_tsv(text, request, where);
  if (request.format == "csv") return parse_csv(text, request, where);
  return parse_jsonl(text, request, where);
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
