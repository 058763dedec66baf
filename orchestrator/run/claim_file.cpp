#include "orchestrator/run/claim_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <random>
#include <thread>

#include "checkpoint/errors.hpp"
#include "checkpoint/file_lock.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;
using checkpoint::FileError;
using checkpoint::Links;
using checkpoint::system_message;

constexpr std::size_t kMostBytes = 4096;

std::string random_text() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// What the lock file holds; nothing where there is none, or none that can be read.
std::optional<std::string> holder_of(const fs::path& lock) {
  try {
    return checkpoint::read_plain(lock, kMostBytes, Links::Refuse);
  } catch (const FileError&) {
    return std::nullopt;
  }
}

/// Takes a dead holder's file away. Another process may have done so and hold its own by now: that one comes back.
void remove_stale(const fs::path& lock, const std::string& holder) {
  const fs::path aside = lock.string() + "." + random_text();
  if (::rename(lock.c_str(), aside.c_str()) != 0) return;
  if (holder_of(aside) != holder) static_cast<void>(::link(aside.c_str(), lock.c_str()));
  ::unlink(aside.c_str());
}

}  // namespace

ClaimFile::ClaimFile(const fs::path& file)
    : file_(file), opened_(checkpoint::open_plain(file, O_RDWR | O_CREAT, Links::Refuse)) {
  const int failed = checkpoint::lock_within(opened_.get(), kPatience_s);
  if (checkpoint::knows_no_locks(failed)) lock_by_creation();
  if (failed == 0 || !lock_.empty()) return;
  throw FileError(fmt::format("{}: cannot be locked ({}); another process holds it, such as one that was stopped",
                              file.string(), system_message(failed)));
}

void ClaimFile::lock_by_creation() {
  const fs::path lock = file_.string() + ".lock";
  const std::string mine = random_text();
  const auto begin = std::chrono::steady_clock::now();
  const auto waited = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  std::optional<std::string> seen;
  for (double seen_since = 0; waited() < kPatience_s; std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
    const checkpoint::OpenFile made(::open(lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (made.get() >= 0) {
      lock_ = lock;
      if (const int failed = checkpoint::write_all(made.get(), mine); failed != 0) {
        ::unlink(lock.c_str());
        throw FileError(lock.string() + ": cannot be written: " + system_message(failed));
      }
      return;
    }
    if (errno != EEXIST) throw FileError(lock.string() + ": cannot be made: " + system_message(errno));
    const auto holder = holder_of(lock);
    if (holder != seen) seen_since = waited();
    seen = holder;
    if (holder && waited() - seen_since > kStale_s) remove_stale(lock, *holder);
  }
  throw FileError(lock.string() + ": somebody else's for too long; where no program runs there, remove it");
}

ClaimFile::~ClaimFile() {
  if (!lock_.empty()) ::unlink(lock_.c_str());
}

std::string ClaimFile::read() const {
  std::string text(kMostBytes, '\0');
  const ssize_t size = pread(opened_.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

void ClaimFile::write(const std::string& text) const {
  // Written over and then cut: on a full disk a file that was emptied first would stay empty.
  const auto size = static_cast<ssize_t>(text.size());
  if (pwrite(opened_.get(), text.data(), text.size(), 0) != size || ftruncate(opened_.get(), size) != 0 ||
      fsync(opened_.get()) != 0) {
    throw FileError(fmt::format("{}: cannot be written: {}", file_.string(), system_message(errno)));
  }
}

}  // namespace peftgrid::orchestrator
