#include "worker/training/feature_board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <system_error>

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::string_view kPrefix = "features-";

enum State : std::uint32_t { kFree, kClaimed, kFinished };  // a new file is all zeros

/// Memory is taken before it is mapped: writing to a page that is not to be had would end the process.
bool reserve(int file, std::size_t bytes) {
  struct stat now {};
  if (posix_fallocate(file, 0, static_cast<off_t>(bytes)) != 0 || fstat(file, &now) != 0) return false;
  return static_cast<std::size_t>(now.st_size) == bytes;
}

/// A job's boards together stay small beside the memory that Open MPI needs there.
bool has_room(const std::filesystem::path& folder, std::size_t bytes) {
  std::error_code error;
  std::size_t taken = 0;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(kPrefix)) taken += entry->file_size(error);
  }
  const std::filesystem::space_info room = std::filesystem::space(folder, error);
  return !error && taken + bytes <= FeatureBoard::kMostBytes && bytes <= room.available / 4;
}

}  // namespace

std::unique_ptr<FeatureBoard> FeatureBoard::open(const std::filesystem::path& folder, std::string_view key,
                                                 std::size_t groups, std::size_t numbers) {
  const std::filesystem::path path = folder / (std::string(kPrefix) + checkpoint::sha256(key));
  const std::size_t bytes = bytes_of_slots(groups) + numbers * sizeof(float);
  std::error_code error;
  if (folder.empty() || (!std::filesystem::exists(path, error) && !has_room(folder, bytes))) return nullptr;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return nullptr;
  void* memory = MAP_FAILED;
  if (reserve(file, bytes)) memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return nullptr;
  return std::unique_ptr<FeatureBoard>(new FeatureBoard(memory, bytes, groups));
}

FeatureBoard::~FeatureBoard() {
  munmap(memory_, bytes_);
}

std::size_t FeatureBoard::bytes_of_slots(std::size_t groups) {
  return (groups * sizeof(Slot) + 63) / 64 * 64;
}

bool FeatureBoard::claim(std::size_t group) {
  std::uint32_t expected = kFree;
  return std::atomic_ref(slot(group).state).compare_exchange_strong(expected, kClaimed);
}

void FeatureBoard::finish(std::size_t group, double seconds) {
  std::atomic_ref(slot(group).seconds).store(static_cast<float>(seconds));
  std::atomic_ref(slot(group).state).store(kFinished);
}

bool FeatureBoard::is_finished(std::size_t group) const {
  return std::atomic_ref(slot(group).state).load() == kFinished;
}

double FeatureBoard::seconds() const {
  double sum = 0;
  for (std::size_t g = 0; g < groups_; ++g) sum += static_cast<double>(std::atomic_ref(slot(g).seconds).load());
  return sum;
}

float* FeatureBoard::numbers() {
  return reinterpret_cast<float*>(static_cast<std::byte*>(memory_) + bytes_of_slots(groups_));
}

}  // namespace peftgrid::worker
