#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "checkpoint/sha256.hpp"
#include "worker/training/state_file.hpp"

/// Any bytes are refused, or give numbers within their bounds; the JSON alone too, whose hash a fuzzer never guesses.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    peftgrid::worker::state_content(bytes, {"0123456789abcdef", "layout", 4});
  } catch (const std::exception&) {
    // Refusing is an answer.
  }
  try {
    const auto progress = peftgrid::worker::progress_from_json(bytes);
    if (progress.step < 0 || progress.micro_step < progress.step || progress.best_step > progress.step) {
      __builtin_trap();
    }
    if (peftgrid::worker::to_json(peftgrid::worker::progress_from_json(peftgrid::worker::to_json(progress))) !=
        peftgrid::worker::to_json(progress)) {
      __builtin_trap();
    }
  } catch (const std::exception&) {
    // Refusing is an answer.
  }
  return 0;
}
