#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "checkpoint/errors.hpp"
#include "checkpoint/merge.hpp"
#include "checkpoint/trial_file.hpp"

namespace {

/// One file for the whole run: HDF5 reads from paths.
const std::filesystem::path& scratch() {
  static const std::filesystem::path path = [] {
    std::string name = (std::filesystem::temp_directory_path() / "trial_file_fuzz.XXXXXX").string();
    ::close(::mkstemp(name.data()));
    return std::filesystem::path(name);
  }();
  return path;
}

}  // namespace

/// Any bytes are either refused, or read and merged: no crash, no memory beyond the file's size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::ofstream(scratch(), std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    peftgrid::checkpoint::read_trial(scratch());
    const std::filesystem::path merged = scratch().string() + ".merged";
    peftgrid::checkpoint::merge({scratch()}, merged);
    std::filesystem::remove(merged);
  } catch (const peftgrid::checkpoint::FileError&) {
    // Refusing is an answer.
  }
  return 0;
}
