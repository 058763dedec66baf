#include "checkpoint/h5.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint::h5 {
namespace {

/// What the library's stack of errors says: words, and why nothing was read where that is it.
struct Cause {
  std::string words;
  std::optional<UnreadError::Why> unread;
};

/// The innermost entry of the stack is the cause; the outer ones only repeat which calls failed.
herr_t keep_innermost(unsigned depth, const H5E_error2_t* entry, void* into) {
  if (depth != 0 || entry->desc == nullptr) return 0;
  Cause& cause = *static_cast<Cause*>(into);
  cause.words = entry->desc;
  if (entry->maj_num == H5E_IO && entry->min_num == H5E_READERROR) cause.unread = UnreadError::Why::Unreadable;
  // Neither a lock, where HDF5_USE_FILE_LOCKING asks for them, nor the mark of a writer, in files of later versions of
  // the format, has a number of its own.
  for (const char* locked : {"unable to lock file", "already open for write"}) {
    if (cause.words.find(locked) != std::string::npos) cause.unread = UnreadError::Why::Locked;
  }
  return 0;
}

Properties access_without_locks() {
  Properties access(check(H5Pcreate(H5P_FILE_ACCESS), "HDF5 properties"));
  check(H5Pset_file_locking(access.get(), false, true), "HDF5 locks");
  return access;
}

/// Version 1.8 of the format: its metadata carries checksums, so that damage is found and not followed, and it has none
/// of the open-for-writing marks that a killed writer leaves in later versions. What is copied may be of a later one.
Properties file_access() {
  Properties access = access_without_locks();
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST), "HDF5 format version");
  return access;
}

/// Of `size` bytes those that take room on the disk, counted until they are enough for `enough`. A file system that
/// knows no holes has none.
std::uint64_t bytes_on_disk(int file, std::uint64_t size, std::uint64_t enough) {
  std::uint64_t found = 0;
  for (off_t at = 0; found < enough;) {
    const off_t begin = ::lseek(file, at, SEEK_DATA);
    if (begin < 0) return errno == ENXIO ? found : size;
    at = ::lseek(file, begin, SEEK_HOLE);
    if (at < 0) return size;
    found += static_cast<std::uint64_t>(at - begin);
  }
  return found;
}

/// The size of a plain file that can be read. Throws FileError, also where the file is nearly all holes: to copy it
/// would fill a disk.
std::uint64_t size_of_sound(const std::filesystem::path& path, Links links) try {
  constexpr std::uint64_t kAnyHoles = std::uint64_t{16} << 20U, kMostTimes = 16;
  const OpenFile file = open_plain(path, O_RDONLY, links);
  struct stat facts {};
  ::fstat(file.get(), &facts);
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > kAnyHoles && bytes_on_disk(file.get(), size, size / kMostTimes) < size / kMostTimes) {
    throw FileError("it claims " + std::to_string(size) + " bytes, nearly all of them holes, which no trial has");
  }
  return size;
} catch (const UnreadError& error) {
  throw UnreadError(error.why(), std::string(error.what()).substr(path.string().size() + 2));
}

Properties without_times(hid_t kind) {
  Properties properties(check(H5Pcreate(kind), "HDF5 properties"));
  check(H5Pset_obj_track_times(properties.get(), false), "HDF5 properties");
  return properties;
}

/// The memory of files of HDF5's core driver, kept when one is closed, until its bytes are taken. H5Fget_file_image
/// would give a file that is still open, and in its version of the format one with a wrong checksum. There is one, for
/// as long as the process lives: HDF5 may be gone when static objects end.
class Image {
 public:
  static Image& only() {
    static Image& image = *new Image;
    return image;
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  /// Properties of files that leave their memory here; made once (see group_properties).
  hid_t access() {
    static constexpr std::size_t kGrowth = std::size_t{1} << 16U;
    if (access_.get() < 0) {
      H5FD_file_image_callbacks_t callbacks{take, copy, grow, give, same, nothing, this};
      access_ = file_access();
      check(H5Pset_fapl_core(access_.get(), kGrowth, false), "HDF5 properties");
      check(H5Pset_file_image_callbacks(access_.get(), &callbacks), "HDF5 properties");
    }
    return access_.get();
  }

  /// Of the file closed last, up to the end that the superblock names (version 2: at byte 28); the memory goes on to a
  /// full step of growth.
  std::string take_bytes() {
    constexpr std::size_t kEndAt = 28;
    std::uint64_t end = 0;
    if (closed_ == nullptr) throw FileError("HDF5 kept no file in memory");
    std::memcpy(&end, static_cast<const char*>(closed_) + kEndAt, sizeof end);
    std::string bytes(static_cast<const char*>(closed_), end);
    std::free(std::exchange(closed_, nullptr));
    return bytes;
  }

 private:
  Image() = default;

  // What HDF5 calls.
  static void* take(size_t size, H5FD_file_image_op_t, void*) { return std::malloc(size); }
  static void* copy(void* to, const void* from, size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  }
  static void* grow(void* memory, size_t size, H5FD_file_image_op_t, void*) { return std::realloc(memory, size); }
  static herr_t give(void* memory, H5FD_file_image_op_t when, void* self) {
    if (when == H5FD_FILE_IMAGE_OP_FILE_CLOSE) {
      std::free(std::exchange(static_cast<Image*>(self)->closed_, memory));
    } else {
      std::free(memory);
    }
    return 0;
  }
  static void* same(void* self) { return self; }
  static herr_t nothing(void*) { return 0; }

  Properties access_;
  void* closed_ = nullptr;
};

hid_t file_properties() {
  static const hid_t properties = without_times(H5P_FILE_CREATE).release();
  return properties;
}

}  // namespace

std::unique_lock<std::mutex> lock() {
  static std::mutex mutex;
  std::unique_lock<std::mutex> held(mutex);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return held;
}

std::int64_t check(std::int64_t status, const std::string& what) {
  if (status >= 0) return status;
  Cause cause;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &cause);
  H5Eclear2(H5E_DEFAULT);
  const std::string words = cause.words.empty() ? what : what + " (HDF5: " + cause.words + ")";
  if (cause.unread) throw UnreadError(*cause.unread, words);
  throw FileError(words);
}

hid_t group_properties() {
  static const hid_t properties = without_times(H5P_GROUP_CREATE).release();
  return properties;
}

hid_t dataset_properties() {
  static const hid_t properties = without_times(H5P_DATASET_CREATE).release();
  return properties;
}

File create_file(const std::filesystem::path& path) {
  const Properties access = file_access();
  return File(check(H5Fcreate(path.c_str(), H5F_ACC_EXCL, file_properties(), access.get()), "cannot create the file"));
}

std::string bytes_of_file(const std::function<void(hid_t file)>& fill) {
  Image& image = Image::only();
  File file(check(H5Fcreate("in memory", H5F_ACC_TRUNC, file_properties(), image.access()), "cannot build the file"));
  fill(file.get());
  close_file(std::move(file), "the file in memory");
  return image.take_bytes();
}

File open_file(const std::filesystem::path& path, Links links) {
  // One read instead of some forty; the files of trials that keep an adapter are mostly of tens of kilobytes.
  constexpr std::uint64_t kWhole = std::uint64_t{1} << 18U;
  constexpr std::size_t kGrowth = std::size_t{1} << 16U;
  static const hid_t in_pieces = access_without_locks().release();
  static const hid_t whole = [] {
    Properties access = access_without_locks();
    check(H5Pset_fapl_core(access.get(), kGrowth, false), "HDF5 properties");
    return access.release();
  }();
  const hid_t access = size_of_sound(path, links) <= kWhole ? whole : in_pieces;
  return File(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), "not a readable HDF5 file"));
}

void close_file(File file, const std::filesystem::path& path) {
  check(H5Fclose(file.release()), "cannot finish writing " + path.string());
}

void refuse_all_but_hard_links(hid_t parent, const std::string& name) {
  H5L_info_t info;
  check(H5Lget_info(parent, name.c_str(), &info, H5P_DEFAULT), "no " + name);
  if (info.type != H5L_TYPE_HARD) throw FileError(name + " is a link to elsewhere, which a trial file has not");
}

Group create_group(hid_t parent, const std::string& name) {
  return Group(check(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, group_properties(), H5P_DEFAULT), name));
}

Group open_group(hid_t parent, const std::string& name) {
  refuse_all_but_hard_links(parent, name);
  return Group(check(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), name));
}

bool has_child(hid_t parent, const std::string& name) {
  return check(H5Lexists(parent, name.c_str(), H5P_DEFAULT), name) > 0;
}

std::vector<std::string> children(hid_t group) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), "the list of trials");
  std::sort(names.begin(), names.end());
  return names;
}

std::size_t count_children(hid_t group) {
  H5G_info_t info;
  check(H5Gget_info(group, &info), "the objects of a trial");
  return info.nlinks;
}

void copy_group(hid_t from, const std::string& name, hid_t to) {
  refuse_all_but_hard_links(from, name);
  static const hid_t flat = [] {
    Properties properties(check(H5Pcreate(H5P_OBJECT_COPY), "HDF5 properties"));
    check(H5Pset_copy_object(properties.get(), H5O_COPY_SHALLOW_HIERARCHY_FLAG | H5O_COPY_WITHOUT_ATTR_FLAG),
          "HDF5 properties");
    return properties.release();
  }();
  check(H5Ocopy(from, name.c_str(), to, name.c_str(), flat, H5P_DEFAULT), "cannot copy " + name);
}

std::uint64_t bytes_of(hid_t file) {
  hsize_t bytes = 0;
  check(H5Fget_filesize(file, &bytes), "the size of the file");
  return bytes;
}

}  // namespace peftgrid::checkpoint::h5
