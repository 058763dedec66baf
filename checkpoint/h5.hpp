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
#include "checkpoint/plain_file.hpp"

/// A thin layer over HDF5's C interface: ids that close themselves, one function for each call used, the library's
/// error stack as FileError. Files are hostile: links out of a file, storage outside it, foreign types and sizes beyond
/// the file are refused before memory is taken. Files are read without HDF5's locks: what has its name is finished, and
/// some file systems have none. Only checkpoint/ includes this header.
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

/// The id or status itself when it is good. Throws FileError: `what`, then the library's own words; UnreadError where
/// the system refused to read, or somebody has the file locked.
std::int64_t check(std::int64_t status, const std::string& what);

/// For creating groups or datasets that keep no times, so that the same content gives the same bytes. Made once: to
/// make a list of properties takes as long as to make a dataset.
hid_t group_properties();
hid_t dataset_properties();

File create_file(const std::filesystem::path& path);  // refuses an existing one
/// Read-only. Throws FileError without the file's name; UnreadError where its bytes are not to be had.
File open_file(const std::filesystem::path& path, Links links);
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
std::size_t count_children(hid_t group);
/// A group and the datasets in it, without attributes and without what groups in it hold.
void copy_group(hid_t from, const std::string& name, hid_t to);
std::uint64_t bytes_of(hid_t file);

Type text_type(std::size_t bytes);  // fixed length, UTF-8, padded with NUL; at least 1 byte
Type float_type();                  // 32 bits
bool has_attribute(hid_t object, const std::string& name);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
std::int64_t read_attribute(hid_t object, const std::string& name);

/// `rows` packed records of `type`; none: one of them, without a dimension.
void write_table(hid_t group, const std::string& name, const Type& type, std::optional<std::size_t> rows,
                 const std::string& packed);

/// An opened dataset of records: a list of them, or one.
struct Table {
  Dataset dataset;
  Type type;
  std::size_t rows = 0, row_bytes = 0;
  bool chunked = false;  // by another program: h5repack, h5py
};
/// Throws FileError unless its storage lies in the file and its sizes are within bounds: those of the file, and for
/// chunks, which may be compressed, 16 MiB or 16 times the file, whichever is more.
Table open_table(hid_t group, const std::string& name);
/// Bytes from each column's beginning to that of the next, or to the row's end. Throws FileError where there are no
/// columns or they do not follow each other.
std::vector<std::size_t> column_bytes(const Table& table, const std::string& name);
/// Throws FileError unless the stored type is exactly `expected`, which `in_words` is.
void expect_type(const Table& table, const Type& expected, const std::string& name, const char* in_words);
/// All records, packed. The stored type must be `expected`.
std::string read_table(const Table& table, const Type& expected, const std::string& name);

/// For a chunked table, used by the two above. Throws FileError unless each chunk is there and no larger than the file
/// has room for, UnreadError where it went through more than gzip, shuffle and fletcher32.
void check_chunks(const Table& table, std::uint64_t most_bytes, const std::string& name);
/// HDF5 believes what compressed bytes say of their size; here each chunk has the size that it must have, or is
/// refused.
std::string read_chunks(const Table& table, const std::string& name);

}  // namespace peftgrid::checkpoint::h5
