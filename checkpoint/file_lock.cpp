#include "checkpoint/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

/// A base of gigabytes is converted, a large data set tokenized, within minutes; a holder that was stopped keeps it.
constexpr double kMostWork_s = 600;

}  // namespace

int lock_within(int file, double patience_s) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration<double>(patience_s);
  for (auto nap = std::chrono::milliseconds(1);; nap = std::min(2 * nap, std::chrono::milliseconds(50))) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return 0;
    const int failed = errno;
    if ((failed != EWOULDBLOCK && failed != EINTR) || clock::now() > end) return failed;
    std::this_thread::sleep_for(nap);
  }
}

bool knows_no_locks(int failed) {
  return failed == ENOSYS || failed == ENOLCK || failed == EOPNOTSUPP || failed == EINVAL || failed == EBADF;
}

FileLock::FileLock(const std::filesystem::path& file) {
  try {
    file_ = open_plain(file, O_RDWR | O_CREAT, Links::Refuse);
    lock_within(file_.get(), kMostWork_s);
  } catch (const FileError&) {
    // The caller meets the same folder when it writes there.
  }
}

}  // namespace peftgrid::checkpoint
