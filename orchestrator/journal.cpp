#include "orchestrator/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>

#include "checkpoint/errors.hpp"

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

}  // namespace

Journal::Journal(const std::filesystem::path& file) : path_(file) {
  file_ = open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) refuse(path_, "open");
  end_torn_line(file_, path_);
}

Journal::~Journal() {
  close(file_);
}

void Journal::write(std::string_view kind, const std::string& json) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::string rest = fmt::format("{:.3f} {} {}", now, kind, json);
  const std::string line = checksum(rest) + " " + rest + "\n";
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) refuse(path_, "write");
}

void Journal::append(std::string_view kind, const std::string& json) {
  write(kind, json);
  sync();
}

void Journal::note(std::string_view kind, const std::string& json) {
  write(kind, json);
}

void Journal::sync() {
  if (fdatasync(file_) != 0) refuse(path_, "sync");
}

JournalContents read_journal(const std::filesystem::path& file) {
  JournalContents contents;
  std::ifstream in(file, std::ios::binary);
  std::string line;
  while (std::getline(in, line)) {
    if (auto event = parse(line)) {
      contents.events.push_back(std::move(*event));
    } else if (!in.eof()) {
      ++contents.damaged;  // a last line without its end is a writer's death or a writer at work, not damage
    }
  }
  return contents;
}

}  // namespace peftgrid::orchestrator
