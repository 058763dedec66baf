#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/plain_file.hpp"

namespace peftgrid::orchestrator {

/// The owner file, open, and this process alone at it for as long as the object lives: by flock, or, on a file system
/// that knows no locks, by a file "owner.lock" that only one process can create. Held for milliseconds; one that stays
/// unchanged for kStale_s was left by a dead process and is removed.
class ClaimFile {
 public:
  static constexpr double kStale_s = 5, kPatience_s = 20;

  /// Throws checkpoint::FileError: no plain file, not writable, or held by somebody for kPatience_s.
  explicit ClaimFile(const std::filesystem::path& file);
  ClaimFile(const ClaimFile&) = delete;
  ClaimFile& operator=(const ClaimFile&) = delete;
  ~ClaimFile();

  std::string read() const;
  /// On disk when it returns. Throws checkpoint::FileError; what stood there may then be damaged, but is never empty.
  void write(const std::string& text) const;

 private:
  void lock_by_creation();
  std::filesystem::path file_, lock_;  // lock_ is empty where flock holds
  checkpoint::OpenFile opened_;
};

}  // namespace peftgrid::orchestrator
