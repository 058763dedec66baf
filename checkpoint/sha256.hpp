#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::checkpoint {

/// Lower-case hexadecimal SHA-256.
std::string sha256(std::string_view bytes);
/// SHA-256 over the contents of several files, one after the other. Throws FileError.
std::string sha256_of_files(const std::vector<std::filesystem::path>& files);

}  // namespace peftgrid::checkpoint
