#pragma once

#include <filesystem>

#include "checkpoint/plain_file.hpp"

namespace peftgrid::checkpoint {

/// Held while one process of the node makes a file of the cache that the others wait for. Where the file system knows
/// no locks, or the folder takes no file, nothing is held: the same work is then done by several, and each publishes
/// whole what it made.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& file);

 private:
  OpenFile file_;
};

/// flock without waiting for ever: 0, or an errno; EWOULDBLOCK after `patience_s`.
int lock_within(int file, double patience_s);
/// Is this what a file system without locks answers?
bool knows_no_locks(int failed);

}  // namespace peftgrid::checkpoint
