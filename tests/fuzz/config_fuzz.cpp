// A config.json of any bytes is read, or refused with a UsageError; what is read has sizes within bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto [architecture, config] = peftgrid::worker::parse_model(text, "config.json");
    if (config.width < 1 || config.heads < 1 || config.width % config.heads != 0) std::abort();
    if (config.layers < 100) peftgrid::worker::ModelFacts(*architecture, config, {.pooler = true, .output = true});
  } catch (const peftgrid::worker::UsageError&) {
  }
  return 0;
}
