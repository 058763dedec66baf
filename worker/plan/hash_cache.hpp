#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// A file of the cache, in a folder that is made; nothing where there is no cache or it takes no folder.
std::optional<std::filesystem::path> cache_file(const std::string& folder, const std::string& name);
/// SHA-256 of a file. Remembered in the cache by path, device, inode, size and times, so that a plan of a base of
/// gigabytes is made at once; a cache that cannot be read or written only costs time. After verify_contents nothing is
/// believed that an earlier start left: the file is hashed once on each node. Throws checkpoint::FileError when the
/// file cannot be read.
std::string content_sha256(const std::filesystem::path& file);

/// What weights enter a trial's id with: over the tensors' files in their order, and config.json, which decides the
/// numbers as much as they do (activation, epsilon, dropout).
std::string weights_sha256(const std::vector<std::filesystem::path>& files, const std::filesystem::path& folder);

}  // namespace peftgrid::worker
