#include "worker/tasks/csv_reader.hpp"

#include "worker/tasks/read_table.hpp"

namespace peftgrid::worker {

bool CsvReader::next(std::vector<std::string>& record, std::int64_t& begins_at) {
  while (at_ < text_.size() && ends_line()) pass_line_end();
  if (at_ >= text_.size()) return false;
  begins_at = line_;
  record.clear();
  do record.push_back(field());
  while (at_ < text_.size() && text_[at_] == delimiter_ && (++at_, true));
  if (at_ < text_.size()) pass_line_end();
  return true;
}

bool CsvReader::ends_line() const {
  return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvReader::pass_line_end() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
}

std::string CsvReader::field() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted_field();
  const std::size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != delimiter_ && !ends_line()) {
    if (text_[at_] == '"') {
      wrong_line(where_, line_,
                 "a quote inside a field that does not begin with one; CSV wants the whole field quoted");
    }
    ++at_;
  }
  return std::string(text_.substr(begin, at_ - begin));
}

void CsvReader::text_after_quote() const {
  constexpr std::string_view kSeparators = ",;|\t";
  const char next = text_[at_];
  if (kSeparators.find(next) == std::string_view::npos) {
    wrong_line(where_, line_, "text after a closing quote; a quote inside a quoted field is written twice");
  }
  wrong_line(where_, line_,
             "a " + name_of_separator(next) + " after a closing quote, where fields are said to end with a " +
                 name_of_separator(delimiter_) + "; `delimiter: " + word_of_separator(next) + "` would be right");
}

std::string CsvReader::quoted_field() {
  const std::int64_t opened = line_;
  std::string value;
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        ++at_;
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != delimiter_ && !ends_line()) {
          text_after_quote();
        }
        return value;
      }
    }
    if (text_[at_] == '\n') ++line_;
    value += text_[at_];
  }
  wrong_line(where_, opened, "a quoted field opens here and is never closed");
}

}  // namespace peftgrid::worker
