#include "checkpoint/trial_reader.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
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

constexpr int kClosed = -1;

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

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(to, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool read_all(int from, char* to, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::read(from, to, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send(int to, const TrialsRead& read) {
  const std::string bytes = encode(read);
  const std::uint64_t size = bytes.size();
  return write_all(to, {reinterpret_cast<const char*>(&size), sizeof size}) && write_all(to, bytes);
}

}  // namespace

TrialsRead PartReader::read(const Part& part, Read how) {
  TrialsRead read;
  read.file = part.file;
  try {
    if (part.file != opened_) {
      opened_.clear();
      trials_ = {};
      file_ = h5::open_file(part.file);
      trials_ = open_trials(file_.get());
      ids_ = h5::children(trials_.get());
      opened_ = part.file;
    }
  } catch (const FileError& error) {
    read.unreadable.emplace_back(error.what());
    return read;
  }
  const std::size_t first = std::min(part.first, ids_.size());
  const std::size_t end = first + std::min(part.count, ids_.size() - first);
  for (std::size_t i = first; i < end; ++i) {
    try {
      read.trials.push_back(read_trial_group(trials_.get(), ids_[i], how));
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
  for (const int pipe : pipes_) {
    if (pipe != kClosed) ::close(pipe);
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
    pipes_.push_back(kClosed);
    return;
  }
  ::fcntl(ends[1], F_SETPIPE_SZ, kAhead_bytes);
  const pid_t process = ::fork();
  if (process == 0) {
    for (const int pipe : pipes_) {
      if (pipe != kClosed) ::close(pipe);
    }
    ::close(ends[0]);
    try {
      PartReader reader;
      for (std::size_t i = number; i < parts_.size() && send(ends[1], reader.read(parts_[i], how_)); i += of) {
      }
    } catch (const std::exception&) {
      // The caller meets the same trouble where it reads this part itself, and tells of it.
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  if (process > 0) processes_.push_back(process);
  if (process < 0) ::close(std::exchange(ends[0], kClosed));
  pipes_.push_back(ends[0]);
}

std::optional<TrialsRead> TrialReader::receive(int& pipe) {
  std::uint64_t size = 0;
  std::string bytes;
  if (pipe != kClosed && read_all(pipe, reinterpret_cast<char*>(&size), sizeof size)) {
    bytes.resize(size);
    if (read_all(pipe, bytes.data(), bytes.size())) return decode_trials_read(bytes);
  }
  if (pipe != kClosed) ::close(std::exchange(pipe, kClosed));
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
