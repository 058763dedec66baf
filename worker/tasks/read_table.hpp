#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/trial.hpp"

namespace peftgrid::worker {

/// Which columns of a table are wanted, and how the table is written.
struct TableRequest {
  std::string format;           // tsv (never quoted) | csv (RFC 4180) | jsonl (columns are keys)
  bool header = true;           // the first row names the columns; without one, columns are asked for by index
  std::vector<Column> columns;  // what each returned row holds, in this order
  bool skip_malformed = false;  // rows with another number of fields are counted and left out, not an error
  std::string delimiter = {};   // of tsv and csv, one byte; empty: a tab, a comma

  char separator() const;  // `delimiter`, or the format's
};

struct Table {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::int64_t> lines;  // where each row begins, counted from 1
  std::int64_t skipped = 0;
};

/// Parses a whole table. A byte-order mark is accepted, and so are lines that end in CR LF, or in CR alone throughout;
/// blank lines are passed over.
/// Throws UsageError naming `where`, line, what is wrong and what would be right.
Table parse_table(std::string_view text, const TableRequest& request, const std::string& where);

/// Reads a file whole, and parses it. Throws UsageError where the file is missing, too, or is not a plain file.
Table read_table(const std::string& path, const TableRequest& request);

/// What stands between fields, in words ("semicolon"), and as a grid says it (`delimiter: ";"`).
std::string name_of_separator(char separator);
std::string word_of_separator(char separator);

/// Throws UsageError: file, line, what is wrong.
[[noreturn]] void wrong_line(const std::string& where, std::int64_t line, const std::string& what);
/// The next line of `text` without its end, which `text` loses with it. CR LF counts as one line end.
std::string_view take_line(std::string_view& text);

}  // namespace peftgrid::worker
