#include "checkpoint/publish.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const fs::path& path, int code) {
  throw FileError(what + " " + path.string() + ": " + std::generic_category().message(code));
}

void sync(const fs::path& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) fail("cannot open", path, errno);
  const int failed = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  // Some network file systems cannot sync a folder and say EINVAL: the rename is then as durable as they make it.
  if (failed != 0 && !(failed == EINVAL && (flags & O_DIRECTORY) != 0)) fail("cannot sync", path, failed);
}

void sync_folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  sync(folder.empty() ? fs::path(".") : folder, O_RDONLY | O_DIRECTORY);
}

/// 0, EEXIST, or what went wrong.
int rename_without_replacing(const fs::path& draft, const fs::path& final_path) {
  if (::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, final_path.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  // NFS and older kernels do not know the flag; link refuses an existing name everywhere.
  if (::link(draft.c_str(), final_path.c_str()) != 0) return errno;
  ::unlink(draft.c_str());
  return 0;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
  return name.data();
}

/// 0 or what went wrong.
int write_and_sync(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

/// The draft is on disk: now its name.
bool name_draft(const fs::path& draft, const fs::path& final_path) {
  const int failed = rename_without_replacing(draft, final_path);
  if (failed != 0) ::unlink(draft.c_str());
  if (failed != 0 && failed != EEXIST) fail("cannot publish", final_path, failed);
  sync_folder_of(final_path);  // of an earlier try, too, whose sync the disk refused
  return failed == 0;
}

}  // namespace

bool publish(const fs::path& draft, const fs::path& final_path) {
  sync(draft, O_RDONLY);
  return name_draft(draft, final_path);
}

bool publish_bytes(std::string_view bytes, const fs::path& final_path) {
  const fs::path draft = draft_beside(final_path);
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) fail("cannot write", final_path, errno);
  int failed = write_and_sync(file, bytes);
  if (::close(file) != 0 && failed == 0) failed = errno;
  if (failed != 0) {
    ::unlink(draft.c_str());
    fail("cannot write", final_path, failed);
  }
  return name_draft(draft, final_path);
}

void publish_replacing(const fs::path& draft, const fs::path& final_path) {
  sync(draft, O_RDONLY);
  if (::rename(draft.c_str(), final_path.c_str()) != 0) {
    const int failed = errno;
    ::unlink(draft.c_str());
    fail("cannot publish", final_path, failed);
  }
  sync_folder_of(final_path);
}

fs::path draft_beside(const fs::path& final_path) {
  static std::atomic<unsigned> counter{0};
  const std::string name = "." + final_path.filename().string() + "." + host_name() + "." + std::to_string(::getpid()) +
                           "." + std::to_string(counter++) + ".draft";
  return final_path.parent_path() / name;
}

}  // namespace peftgrid::checkpoint
