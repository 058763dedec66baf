#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::orchestrator {

/// One line of a run's journal: `<crc32 of the rest, 8 hex digits> <seconds since 1970> <kind> <JSON>`.
/// Kinds: start, grid, assigned, finished, failed, interrupted, end. Append-only; a torn last line is ignored.
struct Event {
  double time_s = 0;
  std::string kind;
  std::string json;
};

/// Appends events; each is on disk (fsync) when `append` returns. One writer: the run folder's owner.
class Journal {
 public:
  explicit Journal(const std::filesystem::path& file);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();
  void append(std::string_view kind, const std::string& json);
  /// As append, without waiting for the disk: for lines whose loss costs nothing ("assigned").
  void note(std::string_view kind, const std::string& json);
  /// All that was noted is on disk when this returns: many lines, one wait.
  void sync();

 private:
  void write(std::string_view kind, const std::string& json);
  int file_ = -1;
  std::filesystem::path path_;
};

/// All whole lines of a journal; lines with a wrong checksum are counted, not returned. No file: no events.
struct JournalContents {
  std::vector<Event> events;
  std::int64_t damaged = 0;
};
JournalContents read_journal(const std::filesystem::path& file);

}  // namespace peftgrid::orchestrator
