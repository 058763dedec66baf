#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/plain_file.hpp"

namespace peftgrid::checkpoint {

/// What tells that a file is still the one that was looked at, and was not written to since. Two stamps may differ
/// though the content is the same (a second link to the file, a copy over it): then its hash decides.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;  // of the content; of anything, which nobody can set back
  bool operator==(const FileStamp&) const = default;
};
/// Nothing where the file is gone.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

/// A plain file mapped read-only; the mapping is shared by all processes of the node. Moves, does not copy.
class MappedFile {
 public:
  /// Throws FileError.
  explicit MappedFile(const std::filesystem::path& path, Links links = Links::Follow);
  MappedFile(MappedFile&& from) noexcept;
  MappedFile& operator=(MappedFile&& from) noexcept;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  /// Of the file that is mapped, when it was.
  const FileStamp& stamp() const { return stamp_; }

 private:
  std::filesystem::path path_;
  FileStamp stamp_;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// From here on a mapping whose file is cut short reads as zeros there, instead of ending the process (SIGBUS), and is
/// told by torn_mapping(). Once a process.
void survive_torn_mappings();
/// The file of a mapping that was found cut short since the last call; nothing: none was. What was computed meanwhile
/// is worth nothing.
std::optional<std::string> torn_mapping();

}  // namespace peftgrid::checkpoint
