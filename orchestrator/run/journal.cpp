#include "orchestrator/run/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"

namespace peftgrid::orchestrator {

namespace {

std::string checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  return fmt::format("{:08x}", crc.checksum());
}

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what) {
  throw checkpoint::FileError(fmt::format("{}: cannot {} the journal: {}", path.string(), what, std::strerror(errno)));
}

/// A crash can leave half a line at the end; the next line must not be glued to it.
void end_torn_line(int file, const std::filesystem::path& path) {
  const off_t size = lseek(file, 0, SEEK_END);
  if (size <= 0) return;
  char last = '\n';
  if (pread(file, &last, 1, size - 1) != 1) refuse(path, "read");
  if (last != '\n' && write(file, "\n", 1) != 1) refuse(path, "write");
}

std::optional<Event> parse(const std::string& line) {
  // 8 digits of checksum, a blank, seconds, a blank, kind, a blank, JSON
  if (line.size() < 10 || line[8] != ' ' || checksum(std::string_view(line).substr(9)) != line.substr(0, 8)) return {};
  const auto second = line.find(' ', 9);
  const auto third = second == std::string::npos ? second : line.find(' ', second + 1);
  if (third == std::string::npos) return {};
  return Event{std::strtod(line.c_str() + 9, nullptr), line.substr(second + 1, third - second - 1),
               line.substr(third + 1)};
}

/// Lines of a file that may hold anything: of one that is longer than any of ours no more than that is kept in memory.
class LineReader {
 public:
  struct Line {
    std::string text;
    bool whole = true;  // not cut
    bool ended = true;  // by a line break
  };

  LineReader(int file, const std::filesystem::path& path) : file_(file), path_(path) {}

  /// Nothing at the end.
  std::optional<Line> next() {
    Line line;
    for (;;) {
      if (at_ == piece_.size() && !fill()) {
        line.ended = false;
        return line.text.empty() && line.whole ? std::nullopt : std::optional(std::move(line));
      }
      const std::size_t end = std::min(piece_.find('\n', at_), piece_.size());
      if (line.text.size() + end - at_ > kLongestLine) line.whole = false;
      if (line.whole) line.text.append(piece_, at_, end - at_);
      at_ = end;
      if (end == piece_.size()) continue;
      ++at_;
      return line;
    }
  }

 private:
  static constexpr std::size_t kPiece = 1 << 20, kLongestLine = 64 << 20;  // a grid of 10,000 trials: 1 MB

  bool fill() {
    piece_.resize(kPiece);
    at_ = 0;
    ssize_t got = 0;
    do {
      got = ::read(file_, piece_.data(), piece_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) refuse(path_, "read");
    piece_.resize(static_cast<std::size_t>(got));
    return got > 0;
  }

  int file_;
  std::filesystem::path path_;
  std::string piece_;
  std::size_t at_ = 0;
};

}  // namespace

Journal::Journal(const std::filesystem::path& file) : path_(file) {
  open();
}

void Journal::open() {
  file_ = checkpoint::open_plain(path_, O_RDWR | O_CREAT | O_APPEND, checkpoint::Links::Refuse).release();
  end_torn_line(file_, path_);
}

Journal::~Journal() {
  if (file_ >= 0) close(file_);
}

void Journal::append(std::string_view kind, const std::string& json) {
  note(kind, json);
  sync();
}

void Journal::note(std::string_view kind, const std::string& json) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::string rest = fmt::format("{:.3f} {} {}", now, kind, json);
  const std::string line = checksum(rest) + " " + rest + "\n";
  const std::lock_guard lock(mutex_);
  if (kind == "start") heading_.clear();
  if (kind == "start" || kind == "grid") heading_ += line;
  pending_ += line;
  write_pending();  // where it is refused, sync says so
}

/// 0 or what went wrong. A line that was written in part is completed by the next call.
int Journal::write_pending() {
  while (!pending_.empty() && file_ >= 0) {
    const ssize_t written = ::write(file_, pending_.data(), pending_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    written_.append(pending_, 0, static_cast<std::size_t>(written));
    pending_.erase(0, static_cast<std::size_t>(written));
  }
  return 0;
}

/// A file whose last name is gone is written to in vain.
void Journal::begin_anew_if_gone() {
  struct stat now {};
  if (file_ >= 0 && fstat(file_, &now) == 0 && now.st_nlink > 0) return;
  if (file_ >= 0) close(file_);
  file_ = -1;
  open();
  const bool holds_nothing = lseek(file_, 0, SEEK_END) == 0;
  pending_ = (holds_nothing ? heading_ : "") + written_ + pending_;
  written_.clear();
}

void Journal::sync() {
  const std::lock_guard lock(mutex_);
  begin_anew_if_gone();
  errno = write_pending();
  if (errno != 0) refuse(path_, "write");
  if (fdatasync(file_) != 0) {
    const int failed = errno;
    // After a failed sync the kernel may hold the lines for written: they are written again.
    pending_ = std::exchange(written_, {}) + pending_;
    errno = failed;
    refuse(path_, "sync");
  }
  written_.clear();
}

JournalContents read_journal(const std::filesystem::path& file) {
  JournalContents contents;
  if (!checkpoint::is_there(file)) return contents;
  const checkpoint::OpenFile opened = checkpoint::open_plain(file, O_RDONLY, checkpoint::Links::Refuse);
  LineReader lines(opened.get(), file);
  while (const auto line = lines.next()) {
    auto event = line->whole ? parse(line->text) : std::nullopt;
    if (event) {
      contents.events.push_back(std::move(*event));
    } else if (line->ended) {
      ++contents.damaged;  // a last line without its end is a writer's death or a writer at work, not damage
    }
  }
  return contents;
}

}  // namespace peftgrid::orchestrator
