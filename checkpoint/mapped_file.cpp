#include "checkpoint/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

/// What the signal handler may look at: numbers, no memory of its own.
struct Region {
  std::atomic<std::uintptr_t> begin{0}, end{0};
  std::atomic<bool> torn{false};
};
constexpr std::size_t kMostRegions = 1024;  // a base of a thousand shards; later mappings are not guarded
std::array<Region, kMostRegions> regions;
std::array<std::string, kMostRegions> region_files;
std::atomic<bool> any_torn{false};  // asked before each trial, so without a walk over all regions
std::mutex changing;
std::atomic<std::uintptr_t> page_bytes{4096};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void guard(const char* data, std::size_t size, const fs::path& path) {
  const std::lock_guard lock(changing);
  for (std::size_t i = 0; i < kMostRegions; ++i) {
    if (regions[i].begin != 0 || regions[i].torn) continue;
    region_files[i] = path.string();
    regions[i].end = reinterpret_cast<std::uintptr_t>(data) + size;
    regions[i].begin = reinterpret_cast<std::uintptr_t>(data);
    return;
  }
}

void unguard(const char* data) {
  const std::lock_guard lock(changing);
  for (Region& region : regions) {
    if (region.begin == reinterpret_cast<std::uintptr_t>(data)) region.begin = 0;
  }
}

/// A page of zeros takes the place of the one that the file no longer has; the reader goes on.
extern "C" void mend_torn_page(int signal, siginfo_t* info, void* /*context*/) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (Region& region : regions) {
    const std::uintptr_t begin = region.begin;
    if (begin == 0 || address < begin || address >= region.end) continue;
    void* const page = reinterpret_cast<void*>(address / page_bytes * page_bytes);
    if (::mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    region.torn = true;
    any_torn = true;
    return;
  }
  ::signal(signal, SIG_DFL);  // not ours: the same instruction ends the process
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_from(const struct stat& facts) {
  return {facts.st_dev, facts.st_ino, static_cast<std::uint64_t>(facts.st_size), nanoseconds(facts.st_mtim),
          nanoseconds(facts.st_ctim)};
}

}  // namespace

std::optional<FileStamp> stamp_of(const fs::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return std::nullopt;
  return stamp_from(facts);
}

MappedFile::MappedFile(const fs::path& path, Links links) : path_(path) {
  const OpenFile file = open_plain(path, O_RDONLY, links);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) {
    throw FileError(path.string() + ": cannot be examined: " + system_message(errno));
  }
  stamp_ = stamp_from(facts);
  if (facts.st_size == 0) return;
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) throw FileError(path.string() + ": cannot be mapped: " + system_message(errno));
  data_ = static_cast<const char*>(data);
  size_ = static_cast<std::size_t>(facts.st_size);
  guard(data_, size_, path_);
}

MappedFile::MappedFile(MappedFile&& from) noexcept
    : path_(std::move(from.path_)),
      stamp_(from.stamp_),
      data_(std::exchange(from.data_, nullptr)),
      size_(std::exchange(from.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& from) noexcept {
  std::swap(path_, from.path_);
  std::swap(stamp_, from.stamp_);
  std::swap(data_, from.data_);
  std::swap(size_, from.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ == nullptr) return;
  unguard(data_);
  ::munmap(const_cast<char*>(data_), size_);
}

void survive_torn_mappings() {
  page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = mend_torn_page;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

std::optional<std::string> torn_mapping() {
  if (!any_torn) return std::nullopt;
  const std::lock_guard lock(changing);
  any_torn = false;  // before the walk: what is torn meanwhile sets it again
  for (std::size_t i = 0; i < kMostRegions; ++i) {
    if (!regions[i].torn.exchange(false)) continue;
    any_torn = true;  // there may be another
    return region_files[i];
  }
  return std::nullopt;
}

}  // namespace peftgrid::checkpoint
