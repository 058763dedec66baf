// A grid file of any bytes is read, or refused with a UsageError that names its place; nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "orchestrator/grid/grid_file.hpp"
#include "worker/errors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const peftgrid::orchestrator::PathBase paths{"/grid", "/here"};
  try {
    peftgrid::orchestrator::parse_grid(text, "grid.yaml", {}, paths);
  } catch (const peftgrid::worker::UsageError& error) {
    if (!std::string_view(error.what()).starts_with("grid.yaml:")) std::abort();
  }
  // The rest of the input as an override: what stands before its first newline.
  const std::string argument(text.substr(0, text.find('\n')));
  try {
    peftgrid::orchestrator::parse_grid("backbones: [m]\ntasks: [sst2]\ndata: d\nmethods: [lora]\n", "grid.yaml",
                                       {argument}, paths);
  } catch (const peftgrid::worker::UsageError&) {
  }
  return 0;
}
