#include <cstddef>
#include <cstdint>
#include <string_view>

#include "checkpoint/errors.hpp"
#include "checkpoint/safetensors.hpp"

/// Any bytes are either refused or give tensors that lie inside the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& [name, entry] : peftgrid::checkpoint::parse_safetensors_header(bytes, size, "fuzzed")) {
      if (entry.begin > entry.end || entry.end > size) __builtin_trap();
    }
  } catch (const peftgrid::checkpoint::FileError&) {
    // Refusing is an answer.
  }
  return 0;
}
