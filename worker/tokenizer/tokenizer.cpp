#include "worker/tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <array>
#include <sstream>

#include "worker/errors.hpp"
#include "worker/text.hpp"

// The C interface of src/lib.rs.
extern "C" {
struct PeftgridRow {
  const std::uint32_t* ids;
  const std::uint32_t* types;
  const std::size_t* ends;
  std::size_t count;
  bool truncated;
};
void* peftgrid_tokenizer_open(const char* bytes, std::size_t length, std::size_t max_length, bool cut_left, char* error,
                              std::size_t capacity);
bool peftgrid_tokenizer_encode(void* handle, const char* first, std::size_t first_length, const char* second,
                               std::size_t second_length, bool special, PeftgridRow* row);
std::size_t peftgrid_tokenizer_vocabulary_size(const void* handle);
std::size_t peftgrid_tokenizer_tokens_from(const void* handle, std::uint32_t first, std::size_t most, char* names,
                                           std::size_t capacity);
void peftgrid_tokenizer_error(const void* handle, char* error, std::size_t capacity);
void peftgrid_tokenizer_close(void* handle);
}

namespace peftgrid::worker {

namespace {

constexpr std::size_t kMostReason = 300;

}  // namespace

void Tokenizer::Close::operator()(void* handle) const {
  peftgrid_tokenizer_close(handle);
}

Tokenizer::Tokenizer(std::string_view json, std::int64_t max_length, const std::string& where, Cut cut) {
  std::array<char, kMostReason> reason{};
  handle_.reset(peftgrid_tokenizer_open(json.data(), json.size(), static_cast<std::size_t>(max_length),
                                        cut == Cut::Left, reason.data(), reason.size()));
  if (!handle_) throw UsageError(where + ": is not a tokenizer that can be used: " + reason.data());
}

std::string text_of(const TokensBeyond& beyond, std::int64_t table) {
  std::vector<std::string> names;
  for (const std::string& name : beyond.first) names.push_back(in_quotes(name));
  const auto left = beyond.count - static_cast<std::int64_t>(names.size());
  if (left > 0) names.push_back(fmt::format("{} more", left));
  return fmt::format("{} of its tokens {} beyond the model's table of {}: {}", beyond.count,
                     beyond.count == 1 ? "lies" : "lie", table, joined(names));
}

Encoded Tokenizer::encode(std::string_view first, const std::string_view* second) const {
  return encode(first, second, true);
}

std::vector<std::int32_t> Tokenizer::words(std::string_view text) const {
  return encode(text, nullptr, false).ids;
}

Encoded Tokenizer::encode(std::string_view first, const std::string_view* second, bool special) const {
  // Rust wants a pointer that is not null even for an empty text, and reads null as "no second text".
  const auto begin = [](std::string_view text) { return text.data() == nullptr ? "" : text.data(); };
  PeftgridRow row{};
  if (!peftgrid_tokenizer_encode(handle_.get(), begin(first), first.size(), second ? begin(*second) : nullptr,
                                 second ? second->size() : 0, special, &row)) {
    std::array<char, kMostReason> reason{};
    peftgrid_tokenizer_error(handle_.get(), reason.data(), reason.size());
    throw UsageError(std::string("a text cannot be tokenized: ") + reason.data());
  }
  return {{row.ids, row.ids + row.count},
          {row.types, row.types + row.count},
          {row.ends, row.ends + row.count},
          row.truncated};
}

TokensBeyond Tokenizer::tokens_from(std::int64_t first) const {
  constexpr std::size_t kShown = 3;
  std::array<char, kMostReason> names{};
  TokensBeyond beyond;
  beyond.count = static_cast<std::int64_t>(peftgrid_tokenizer_tokens_from(
      handle_.get(), static_cast<std::uint32_t>(first), kShown, names.data(), names.size()));
  std::istringstream lines(names.data());
  for (std::string name; std::getline(lines, name);) beyond.first.push_back(name);
  return beyond;
}

std::int64_t Tokenizer::vocabulary() const {
  return static_cast<std::int64_t>(peftgrid_tokenizer_vocabulary_size(handle_.get()));
}

}  // namespace peftgrid::worker
