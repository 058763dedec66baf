#include "checkpoint/trial_reader.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

/// A fork copies only the thread that calls it, and may copy a lock that another one holds.
bool has_other_threads() {
  std::error_code error;
  const fs::directory_iterator tasks("/proc/self/task", error);
  return error || std::distance(begin(tasks), end(tasks)) != 1;
}

std::size_t worthwhile_processes(const std::vector<Part>& parts) {
  constexpr std::size_t kWorthIt = 64, kMost = 8;
  const std::size_t cores = std::thread::hardware_concurrency();
  if (parts.size() < kWorthIt || cores < 2 || has_other_threads()) return 0;
  return std::min(cores, kMost);
}

/// False where the reading end is closed.
bool send(std::FILE* to, const TrialsRead& read) {
  const std::string bytes = encode(read);
  const std::uint64_t size = bytes.size();
  return std::fwrite(&size, sizeof size, 1, to) == 1 && std::fwrite(bytes.data(), 1, size, to) == size &&
         std::fflush(to) == 0;
}

/// Runs and `status` go by the names of the files in trials/.
bool belongs_to_run(const fs::path& file) {
  return file.parent_path().filename() == "trials";
}

void add(const fs::path& file, TrialRecord record, TrialsRead& read) {
  if (belongs_to_run(file) && record.id != file.stem()) {
    read.unreadable.push_back("it holds trial " + record.id + ", which is not its name; move it away");
  } else {
    read.trials.push_back(std::move(record));
  }
}

}  // namespace

void PartReader::open(const Part& part) {
  if (part.file == opened_) return;
  opened_.clear();
  trials_ = {};
  file_ = h5::open_file(part.file, part.links);
  trials_ = open_trials(file_.get());
  ids_ = h5::children(trials_.get());
  if (belongs_to_run(part.file) && ids_.size() != 1) {
    throw FileError("it holds " + std::to_string(ids_.size()) + " trials; a trial's own file holds one");
  }
  opened_ = part.file;
}

TrialsRead PartReader::read(const Part& part, Read how) {
  TrialsRead read;
  read.file = part.file;
  try {
    open(part);
  } catch (const FileError& error) {
    read.unreadable.emplace_back(error.what());
    return read;
  }
  const std::size_t first = std::min(part.first, ids_.size());
  const std::size_t end = first + std::min(part.count, ids_.size() - first);
  for (std::size_t i = first; i < end; ++i) {
    try {
      add(part.file, read_trial_group(trials_.get(), ids_[i], how), read);
    } catch (const FileError& error) {
      read.unreadable.emplace_back(error.what());
    }
  }
  return read;
}

TrialReader::TrialReader(std::vector<Part> parts, Read how) : TrialReader(parts, how, worthwhile_processes(parts)) {}

TrialReader::TrialReader(std::vector<Part> parts, Read how, std::size_t processes)
    : parts_(std::move(parts)), how_(how) {
  for (std::size_t number = 0; number < processes; ++number) start_process(number, processes);
}

TrialReader::~TrialReader() {
  // Closed pipes end those that still read.
  for (std::FILE* pipe : pipes_) {
    if (pipe != nullptr) std::fclose(pipe);
  }
  for (const int process : processes_) {
    while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void TrialReader::start_process(std::size_t number, std::size_t of) {
  constexpr int kAhead_bytes = 1 << 20;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    pipes_.push_back(nullptr);
    return;
  }
  ::fcntl(ends[1], F_SETPIPE_SZ, kAhead_bytes);
  const pid_t process = ::fork();
  if (process == 0) {
    ::close(ends[0]);
    read_ahead(number, of, ends[1]);
  }
  ::close(ends[1]);
  if (process > 0) processes_.push_back(process);
  pipes_.push_back(::fdopen(ends[0], "r"));
}

void TrialReader::read_ahead(std::size_t number, std::size_t of, int to) const {
  // Other processes' pipes must have no reader but the caller, or they would not hear that it is gone.
  for (std::FILE* pipe : pipes_) {
    if (pipe != nullptr) ::close(::fileno(pipe));
  }
  try {
    std::FILE* out = ::fdopen(to, "w");
    PartReader reader;
    bool heard = out != nullptr;
    for (std::size_t i = number; heard && i < parts_.size(); i += of) heard = send(out, reader.read(parts_[i], how_));
  } catch (const std::exception&) {
    // The caller meets the same trouble where it reads this part itself, and tells of it.
  }
  ::_exit(0);
}

std::optional<TrialsRead> TrialReader::receive(std::FILE*& pipe) {
  if (pipe == nullptr) return std::nullopt;
  std::uint64_t size = 0;
  std::string bytes;
  if (std::fread(&size, sizeof size, 1, pipe) == 1) {
    bytes.resize(size);
    if (std::fread(bytes.data(), 1, size, pipe) == size) return decode_trials_read(bytes);
  }
  std::fclose(std::exchange(pipe, nullptr));
  return std::nullopt;
}

std::optional<TrialsRead> TrialReader::next() {
  if (next_ == parts_.size()) return std::nullopt;
  const std::size_t part = next_++;
  if (!pipes_.empty()) {
    if (auto read = receive(pipes_[part % pipes_.size()])) return read;
  }
  return here_.read(parts_[part], how_);
}

}  // namespace peftgrid::checkpoint
