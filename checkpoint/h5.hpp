#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/handle.hpp"

/// A thin layer over HDF5's C interface: ids that close themselves, one function for each call used, the library's
/// error stack as FileError. Files are hostile: links out of a file, external and chunked storage, foreign types and
/// sizes beyond the file are refused before memory is taken. Only checkpoint/ includes this header.
namespace peftgrid::checkpoint::h5 {

using File = Handle<hid_t, H5Fclose, hid_t{-1}>;
using Group = Handle<hid_t, H5Gclose, hid_t{-1}>;
using Dataset = Handle<hid_t, H5Dclose, hid_t{-1}>;
using Attribute = Handle<hid_t, H5Aclose, hid_t{-1}>;
using Space = Handle<hid_t, H5Sclose, hid_t{-1}>;
using Type = Handle<hid_t, H5Tclose, hid_t{-1}>;
using Properties = Handle<hid_t, H5Pclose, hid_t{-1}>;

/// Not every build of HDF5 is thread-safe: each public function of checkpoint/ that uses it holds this lock.
std::unique_lock<std::mutex> lock();

/// The id or status itself when it is good. Throws FileError: `what`, then the library's own words.
std::int64_t check(std::int64_t status, const std::string& what);

/// For creating groups or datasets that keep no times, so that the same content gives the same bytes. Made once: to
/// make a list of properties takes as long as to make a dataset.
hid_t group_properties();
hid_t dataset_properties();

File create_file(const std::filesystem::path& path);  // refuses an existing one
File open_file(const std::filesystem::path& path);    // read-only
/// The bytes of a file that `fill` fills and that was never on a disk; the same as if it had been.
std::string bytes_of_file(const std::function<void(hid_t file)>& fill);
/// Closes with an answer: a full disk may show only here.
void close_file(File file, const std::filesystem::path& path);

Group create_group(hid_t parent, const std::string& name);
Group open_group(hid_t parent, const std::string& name);
bool has_child(hid_t parent, const std::string& name);
/// Throws FileError where `name` is a soft or external link: it would let a file speak of other places or files.
void refuse_all_but_hard_links(hid_t parent, const std::string& name);
std::vector<std::string> children(hid_t group);  // names, sorted
void copy_object(hid_t from, const std::string& name, hid_t to);

Type text_type(std::size_t bytes);  // fixed length, UTF-8, padded with NUL; at least 1 byte
Type float_type();                  // 32 bits
bool has_attribute(hid_t object, const std::string& name);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
std::int64_t read_attribute(hid_t object, const std::string& name);

/// `rows` packed records of `type`; none: one of them, without a dimension. Returns where in the file they are: none
/// where there is nothing to keep.
std::optional<std::uint64_t> write_table(hid_t group, const std::string& name, const Type& type,
                                         std::optional<std::size_t> rows, const std::string& packed);

/// An opened dataset of records: a list of them, or one.
struct Table {
  Dataset dataset;
  Type type;
  std::size_t rows = 0, row_bytes = 0;
};
Table open_table(hid_t group, const std::string& name);
/// Bytes from each column's beginning to that of the next, or to the row's end. Throws FileError where there are no
/// columns or they do not follow each other.
std::vector<std::size_t> column_bytes(const Table& table, const std::string& name);
/// All records, packed. Throws FileError unless the stored type is exactly `expected`, which `in_words` is.
std::string read_table(const Table& table, const Type& expected, const std::string& name, const char* in_words);

}  // namespace peftgrid::checkpoint::h5
