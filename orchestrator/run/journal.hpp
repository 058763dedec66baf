#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::orchestrator {

/// One line of a run's journal: `<crc32 of the rest, 8 hex digits> <seconds since 1970> <kind> <JSON>`.
/// Kinds: start, grid, plan, assigned, finished, failed, interrupted, lost, storage, end. Append-only; a torn last line
/// is ignored.
struct Event {
  double time_s = 0;
  std::string kind;
  std::string json;
};

/// Appends events. One writer: the run folder's owner. What the disk refuses is kept and written when it takes lines
/// again, so that nothing is lost to a full disk that somebody empties; where the file has vanished it is begun anew,
/// with its last start and grid. Safe on any thread.
class Journal {
 public:
  /// Throws checkpoint::FileError where the file cannot be opened.
  explicit Journal(const std::filesystem::path& file);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();
  /// On disk when it returns. Throws checkpoint::FileError when the disk refuses; the line is kept then.
  void append(std::string_view kind, const std::string& json);
  /// Without waiting for the disk, and without trouble.
  void note(std::string_view kind, const std::string& json);
  /// All that was noted is on disk when this returns: many lines, one wait. Throws checkpoint::FileError.
  void sync();

 private:
  void open();
  void begin_anew_if_gone();
  int write_pending();
  std::mutex mutex_;
  int file_ = -1;
  std::filesystem::path path_;
  std::string heading_;            // the lines of the last start and its grid
  std::string pending_, written_;  // lines that are not written, and such that are, but not synced
};

/// All whole lines of a journal; lines with a wrong checksum are counted, not returned, and so are lines longer than
/// 64 MiB, which are not kept in memory. No file: no events. Throws checkpoint::FileError: no plain file, unreadable.
struct JournalContents {
  std::vector<Event> events;
  std::int64_t damaged = 0;
};
JournalContents read_journal(const std::filesystem::path& file);

}  // namespace peftgrid::orchestrator
