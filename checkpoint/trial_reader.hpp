#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/h5.hpp"
#include "checkpoint/trial_message.hpp"

namespace peftgrid::checkpoint {

/// Which trials of a file: `count` from `first` on, in the order of their ids.
struct Part {
  static constexpr std::size_t kAll = static_cast<std::size_t>(-1);
  std::filesystem::path file;
  std::size_t first = 0, count = kAll;
  Links links = Links::Refuse;
};

/// Reads a part, and keeps its file open for the part that follows. In trials/ of a run a file holds the one trial
/// whose name it has, or is unreadable. Its caller holds h5::lock().
class PartReader {
 public:
  TrialsRead read(const Part& part, Read how);

 private:
  void open(const Part& part);

  std::filesystem::path opened_;
  h5::File file_;
  h5::Group trials_;
  std::vector<std::string> ids_;
};

/// Reads parts of trial files one after the other. HDF5 knows no threads, so processes of its own read ahead of the
/// caller where there are cores for them and much is to be read; what one of them leaves when it dies is read here. The
/// caller holds h5::lock(), and has no HDF5 file open for writing when it makes one.
class TrialReader {
 public:
  /// As many processes as seem worth it.
  TrialReader(std::vector<Part> parts, Read how);
  TrialReader(std::vector<Part> parts, Read how, std::size_t processes);
  TrialReader(const TrialReader&) = delete;
  TrialReader& operator=(const TrialReader&) = delete;
  ~TrialReader();

  /// What the next part holds, in the order in which the parts were given; nothing after the last.
  std::optional<TrialsRead> next();

  /// The processes that read: for tests.
  const std::vector<int>& processes() const { return processes_; }

 private:
  void start_process(std::size_t number, std::size_t of);
  /// What such a process does: reads its parts into the pipe, and ends.
  [[noreturn]] void read_ahead(std::size_t number, std::size_t of, int to) const;
  /// The next message of a process; nothing where it has died.
  static std::optional<TrialsRead> receive(std::FILE*& pipe);

  std::vector<Part> parts_;
  Read how_;
  std::size_t next_ = 0;
  std::vector<int> processes_;
  std::vector<std::FILE*> pipes_;  // part i comes through pipe i mod their number; null: nobody is at its other end
  PartReader here_;
};

}  // namespace peftgrid::checkpoint
