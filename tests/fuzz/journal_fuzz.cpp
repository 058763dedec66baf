#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "orchestrator/journal.hpp"
#include "orchestrator/run_folder.hpp"

namespace {

namespace fs = std::filesystem;

/// A run folder in memory.
const fs::path& folder() {
  static const fs::path place = [] {
    std::string name = "/dev/shm/journal_fuzz_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    std::atexit([] { fs::remove_all(folder()); });
    return fs::path(name);
  }();
  return place;
}

}  // namespace

/// Any bytes are a journal of whole lines and damaged ones. Each line gets a right checksum too, so that what lies
/// behind it is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const peftgrid::orchestrator::RunFolder run{folder()};
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::ofstream(run.journal(), std::ios::binary) << bytes;
  peftgrid::orchestrator::read_run_state(run);
  fs::remove(run.journal());
  {
    peftgrid::orchestrator::Journal journal(run.journal());
    for (std::size_t begin = 0; begin < bytes.size();) {
      const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
      const std::string line = bytes.substr(begin, end - begin);
      const std::size_t blank = std::min(line.find(' '), line.size());
      journal.note(line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
      begin = end + 1;
    }
  }
  peftgrid::orchestrator::read_run_state(run);
  return 0;
}
