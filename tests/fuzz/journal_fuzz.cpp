#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/run_folder.hpp"

namespace {

namespace fs = std::filesystem;

/// A run folder in memory, for one input: a fuzzer ends without unwinding, and would leave one behind.
struct Folder {
  Folder() {
    if (mkdtemp(name.data()) == nullptr) std::abort();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(name); }
  std::string name = "/dev/shm/journal_fuzz_XXXXXX";  // mkdtemp fills in the last six
};

}  // namespace

/// Any bytes are a journal of whole lines and damaged ones. Each line gets a right checksum too, so that what lies
/// behind it is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Folder folder;
  const peftgrid::orchestrator::RunFolder run{folder.name};
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
