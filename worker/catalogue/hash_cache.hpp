#pragma once

#include <filesystem>
#include <string>

namespace peftgrid::worker {

/// ${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid, or a folder of the system's temporary one where neither is set.
std::filesystem::path cache_folder();

/// SHA-256 of a file, remembered by path, size, time of change and inode: a base of gigabytes is hashed once.
/// A cache that cannot be read or written only costs time. Throws checkpoint::FileError when the file cannot be read.
std::string cached_sha256(const std::filesystem::path& file);

}  // namespace peftgrid::worker
