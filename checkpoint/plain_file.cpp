#include "checkpoint/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void refuse(const fs::path& file, const std::string& kind) {
  throw UnreadError(UnreadError::Why::NoPlainFile,
                    file.string() + ": is " + kind + "; a plain file would be right there: move it away");
}

UnreadError::Why why_of(int code) {
  if (code == ENOENT || code == ENOTDIR) return UnreadError::Why::Missing;
  const bool locked = code == EAGAIN || code == EDEADLK || code == ENOLCK || code == EBUSY || code == ETXTBSY;
  return locked ? UnreadError::Why::Locked : UnreadError::Why::Unreadable;
}

}  // namespace

std::string system_message(int code) {
  return std::generic_category().message(code);
}

std::optional<std::string> not_plain(const fs::path& file, Links links) {
  struct stat facts {};
  const int failed = links == Links::Follow ? ::stat(file.c_str(), &facts) : ::lstat(file.c_str(), &facts);
  if (failed != 0 || S_ISREG(facts.st_mode)) return std::nullopt;
  return kind_of(facts.st_mode);
}

std::string absence(const fs::path& path, const char* wanted) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  if (error) return std::string("no such ") + wanted;
  return "is a link to " + target.string() + ", and nothing is there";
}

OpenFile open_plain(const fs::path& file, int flags, Links links) {
  const int more = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == Links::Refuse ? O_NOFOLLOW : 0);
  OpenFile opened(::open(file.c_str(), flags | more, 0666));
  const int failed = opened.get() < 0 ? errno : 0;
  if (failed != 0) {
    if (const auto kind = not_plain(file, links)) refuse(file, *kind);
    throw UnreadError(why_of(failed), file.string() + ": cannot be opened: " + system_message(failed));
  }
  struct stat facts {};
  if (::fstat(opened.get(), &facts) != 0) {
    throw UnreadError(why_of(errno), file.string() + ": cannot be examined: " + system_message(errno));
  }
  if (!S_ISREG(facts.st_mode)) refuse(file, kind_of(facts.st_mode));
  return opened;
}

bool is_there(const fs::path& file) {
  struct stat facts {};
  return ::lstat(file.c_str(), &facts) == 0;
}

std::string read_plain(const fs::path& file, std::uint64_t most_bytes, Links links) {
  const OpenFile opened = open_plain(file, O_RDONLY, links);
  std::string text;
  constexpr std::size_t kPiece = 1 << 16;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + kPiece);
    const ssize_t got = ::read(opened.get(), text.data() + had, kPiece);
    if (got < 0 && errno == EINTR) {
      text.resize(had);
      continue;
    }
    if (got < 0) throw UnreadError(why_of(errno), file.string() + ": cannot be read: " + system_message(errno));
    text.resize(had + static_cast<std::size_t>(got));
    if (text.size() > most_bytes) {
      throw FileError(file.string() + ": is larger than the " + std::to_string(most_bytes) + " bytes that are read");
    }
    if (got == 0) return text;
  }
}

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int write_and_sync(int file, std::string_view bytes) {
  const int failed = write_all(file, bytes);
  return failed != 0 || ::fsync(file) == 0 ? failed : errno;
}

bool is_private_folder(const fs::path& folder) {
  struct stat facts {};
  return ::lstat(folder.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid() &&
         (facts.st_mode & 0077) == 0;
}

bool make_private_folder(const fs::path& folder) {
  return (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) && is_private_folder(folder);
}

}  // namespace peftgrid::checkpoint
