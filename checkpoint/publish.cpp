#include "checkpoint/publish.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const fs::path& path, int code) {
  throw FileError(what + " " + path.string() + ": " + system_message(code));
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

/// By its name, ".<name>.<host>.<pid>.<counter>.draft"; of other hosts' only the age can tell.
bool has_no_writer(const fs::path& draft) {
  constexpr auto kAbandoned = std::chrono::hours(24);
  const std::string name = draft.stem().string();  // without ".draft"
  const std::size_t counter = name.rfind('.'), pid = counter == 0 ? counter : name.rfind('.', counter - 1);
  const std::string here = "." + host_name();
  if (pid != std::string::npos && pid > 0 && name.substr(0, pid).ends_with(here)) {
    const auto writer = static_cast<pid_t>(std::strtol(name.c_str() + pid + 1, nullptr, 10));
    return writer > 0 && writer != ::getpid() && ::kill(writer, 0) != 0 && errno == ESRCH;
  }
  std::error_code unknown;
  const auto written = fs::last_write_time(draft, unknown);
  return !unknown && fs::file_time_type::clock::now() - written > kAbandoned;
}

/// The draft is on disk: now its name.
bool name_draft(const fs::path& draft, const fs::path& final_path) {
  const int failed = rename_without_replacing(draft, final_path);
  if (failed != 0) ::unlink(draft.c_str());
  if (failed != 0 && failed != EEXIST) fail("cannot publish", final_path, failed);
  sync_folder_of(final_path);  // of an earlier try, too, whose sync the disk refused
  return failed == 0;
}

void rename_draft(const fs::path& draft, const fs::path& final_path) {
  if (::rename(draft.c_str(), final_path.c_str()) != 0) {
    const int failed = errno;
    ::unlink(draft.c_str());
    fail("cannot publish", final_path, failed);
  }
  sync_folder_of(final_path);
}

/// A draft that the disk does not take whole goes at once: it would fill what is left.
void sync_draft(const fs::path& draft) {
  try {
    sync(draft, O_RDONLY);
  } catch (const FileError&) {
    ::unlink(draft.c_str());
    throw;
  }
}

/// The bytes on disk beside `final_path`; no draft stays where the disk refuses.
fs::path written_draft(std::string_view bytes, const fs::path& final_path) {
  fs::path draft = draft_beside(final_path);
  OpenFile file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("cannot write", final_path, errno);
  int failed = write_and_sync(file.get(), bytes);
  if (::close(file.release()) != 0 && failed == 0) failed = errno;
  if (failed != 0) {
    ::unlink(draft.c_str());
    fail("cannot write", final_path, failed);
  }
  return draft;
}

}  // namespace

bool publish(const fs::path& draft, const fs::path& final_path) {
  sync_draft(draft);
  return name_draft(draft, final_path);
}

bool publish_bytes(std::string_view bytes, const fs::path& final_path) {
  return name_draft(written_draft(bytes, final_path), final_path);
}

void publish_bytes_replacing(std::string_view bytes, const fs::path& final_path) {
  rename_draft(written_draft(bytes, final_path), final_path);
}

void publish_replacing(const fs::path& draft, const fs::path& final_path) {
  sync_draft(draft);
  rename_draft(draft, final_path);
}

void remove_dead_drafts(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".draft" && has_no_writer(path)) ::unlink(path.c_str());
  }
}

fs::path draft_beside(const fs::path& final_path) {
  static std::atomic<unsigned> counter{0};
  const std::string name = "." + final_path.filename().string() + "." + host_name() + "." + std::to_string(::getpid()) +
                           "." + std::to_string(counter++) + ".draft";
  return final_path.parent_path() / name;
}

}  // namespace peftgrid::checkpoint
