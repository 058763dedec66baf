#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "checkpoint/sha256.hpp"
#include "worker/tasks/tokens.hpp"

namespace {

void read_every_row(const peftgrid::worker::TokenizedSplit& split) {
  for (std::int64_t row = 0; row < split.rows(); ++row) {
    volatile std::int64_t sum = 0;
    for (const std::int32_t id : split.ids(row)) sum = sum + id;
    for (const std::int32_t type : split.types(row)) sum = sum + type;
    static_cast<void>(split.label(row));
    static_cast<void>(split.truncated(row));
  }
}

void read(const std::string& bytes) {
  const auto data = peftgrid::worker::tokenized_from(bytes, "key");
  if (!data) return;
  read_every_row(data->train());
  read_every_row(data->validation());
  for (const auto& test : data->tests()) read_every_row(test);
}

}  // namespace

/// Any bytes are refused, or give rows that lie inside them; also behind a header with the right size and hash, which a
/// fuzzer never guesses: its first byte is the number of splits then.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  if (size == 0) return 0;
  const std::string rest = bytes.substr(1);
  const std::uint64_t numbers[] = {24 + 64 + rest.size(), data[0]};
  std::string header = "PGTOKEN1";
  header.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  header += peftgrid::checkpoint::sha256(peftgrid::checkpoint::sha256("key") + peftgrid::checkpoint::sha256(rest));
  read(header + rest);
  return 0;
}
