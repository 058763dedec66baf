#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::worker {

/// The records of a table whose fields may be quoted (RFC 4180), one by one.
class CsvReader {
 public:
  /// `text` and `where` must outlive this. `delimiter` stands between fields.
  CsvReader(std::string_view text, char delimiter, const std::string& where)
      : text_(text), delimiter_(delimiter), where_(where) {}

  /// The next record, which may span lines, and the line where it begins. False at the end. Throws UsageError naming
  /// file and line of a quote that is none.
  bool next(std::vector<std::string>& record, std::int64_t& begins_at);

 private:
  bool ends_line() const;
  void pass_line_end();
  std::string field();
  std::string quoted_field();
  [[noreturn]] void text_after_quote() const;

  std::string_view text_;
  char delimiter_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace peftgrid::worker
