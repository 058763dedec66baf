#include "checkpoint/h5.hpp"

#include <algorithm>
#include <utility>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint::h5 {
namespace {

/// The innermost entry of the stack is the cause; the outer ones only repeat which calls failed.
herr_t keep_innermost(unsigned depth, const H5E_error2_t* entry, void* text) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

/// Version 1.8 of the format: its metadata carries checksums, so that damage is found and not followed, and it has none
/// of the open-for-writing marks that a killed writer leaves in later versions.
Properties file_access() {
  Properties access(check(H5Pcreate(H5P_FILE_ACCESS), "HDF5 properties"));
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), "HDF5 format version");
  return access;
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
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &reason);
  H5Eclear2(H5E_DEFAULT);
  throw FileError(reason.empty() ? what : what + " (HDF5: " + reason + ")");
}

Properties properties_without_times(hid_t kind) {
  Properties properties(check(H5Pcreate(kind), "HDF5 properties"));
  check(H5Pset_obj_track_times(properties.get(), false), "HDF5 properties");
  return properties;
}

File create_file(const std::filesystem::path& path) {
  const Properties creation = properties_without_times(H5P_FILE_CREATE);
  const Properties access = file_access();
  return File(check(H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation.get(), access.get()), "cannot create the file"));
}

File open_file(const std::filesystem::path& path) {
  return File(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "not a readable HDF5 file"));
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
  const Properties creation = properties_without_times(H5P_GROUP_CREATE);
  return Group(check(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), name));
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

void copy_object(hid_t from, const std::string& name, hid_t to) {
  refuse_all_but_hard_links(from, name);
  check(H5Ocopy(from, name.c_str(), to, name.c_str(), H5P_DEFAULT, H5P_DEFAULT), "cannot copy " + name);
}

}  // namespace peftgrid::checkpoint::h5
