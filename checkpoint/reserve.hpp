#pragma once

#include <cstdint>
#include <filesystem>

/// Room on a disk that is kept for what must not be lost: a file that stands for it and is given up where the disk is
/// full.
namespace peftgrid::checkpoint {

/// Takes `bytes` of the disk, or a twentieth of what is free where that is less. A disk that has none is left alone.
void keep_reserve(const std::filesystem::path& file, std::uint64_t bytes);
/// False where there is none.
bool give_up_reserve(const std::filesystem::path& file);

}  // namespace peftgrid::checkpoint
