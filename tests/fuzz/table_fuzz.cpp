// A table of any bytes is read, or refused with a UsageError; every row read has the fields asked for. The first byte
// chooses the format.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/errors.hpp"
#include "worker/tasks/read_table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char* const formats[] = {"tsv", "csv", "jsonl"};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  peftgrid::worker::TableRequest request{formats[data[0] % 3], (data[0] & 4) == 0, {}, (data[0] & 8) != 0};
  if (request.header || request.format == "jsonl") {
    request.columns = {{"text", -1}, {"label", -1}};
  } else {
    request.columns = {{"", 0}, {"", 1}};
  }
  try {
    const peftgrid::worker::Table table = peftgrid::worker::parse_table(text, request, "table");
    if (table.rows.size() != table.lines.size()) std::abort();
    for (const auto& row : table.rows) {
      if (row.size() != 2) std::abort();
    }
  } catch (const peftgrid::worker::UsageError&) {
  }
  return 0;
}
