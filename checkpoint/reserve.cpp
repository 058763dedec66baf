#include "checkpoint/reserve.hpp"

#include <fcntl.h>

#include <algorithm>
#include <system_error>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"

namespace peftgrid::checkpoint {

void keep_reserve(const std::filesystem::path& file, std::uint64_t bytes) {
  constexpr std::uint64_t kShare = 20;
  give_up_reserve(file);
  std::error_code unknown;
  const auto room = std::filesystem::space(file.parent_path(), unknown);
  if (unknown) return;
  bytes = std::min(bytes, static_cast<std::uint64_t>(room.available) / kShare);
  try {
    const OpenFile held = open_plain(file, O_WRONLY | O_CREAT | O_EXCL, Links::Refuse);
    if (::posix_fallocate(held.get(), 0, static_cast<off_t>(bytes)) != 0) give_up_reserve(file);
  } catch (const FileError&) {
    // What it is for will meet the same disk.
  }
}

bool give_up_reserve(const std::filesystem::path& file) {
  return ::unlink(file.c_str()) == 0;
}

}  // namespace peftgrid::checkpoint
