#include <algorithm>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/h5.hpp"

namespace peftgrid::checkpoint::h5 {
namespace {

/// What is claimed to be no larger is read without a look at the file's size.
constexpr std::size_t kSmall = 4096;
/// What chunks may unpack to: so many bytes, or so many times the file. Gzip makes a thousandth of zeros.
constexpr std::uint64_t kAnyUnpacked = std::uint64_t{16} << 20U, kMostUnpacked = 16;

/// A claim must not take memory.
void expect_bytes(const Table& table, std::uint64_t most, const std::string& name) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(table.rows, table.row_bytes, &bytes) || bytes > most) {
    throw FileError(name + " claims " + std::to_string(table.rows) + " values of " + std::to_string(table.row_bytes) +
                    " bytes where there can be " + std::to_string(most) + " bytes");
  }
}

std::uint64_t bytes_of_file_of(hid_t object, const std::string& name) {
  return bytes_of(Handle<hid_t, H5Fclose, hid_t{-1}>(check(H5Iget_file_id(object), name)).get());
}

/// Types, shapes and the like that an object shares with others: committed types, and tables of shared messages, which
/// HDF5 1.10 looks for in files that have none.
void refuse_shared(hid_t group, const std::string& name) {
  H5O_info_t info;
  check(H5Oget_info_by_name2(group, name.c_str(), &info, H5O_INFO_HDR, H5P_DEFAULT), name);
  if (info.hdr.mesg.shared != 0) throw FileError(name + " has a type that lies elsewhere, or the like");
}

bool lies_in_chunks(hid_t dataset, const std::string& name) {
  // What has one place in the file does not; to ask for its properties takes as long as to read it.
  if (H5Dget_offset(dataset) != HADDR_UNDEF) return false;
  const Properties creation(check(H5Dget_create_plist(dataset), name));
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  if (layout == H5D_VIRTUAL || H5Pget_external_count(creation.get()) != 0) {
    throw FileError(name + " is stored outside the file, which a trial file never does");
  }
  return layout == H5D_CHUNKED;
}

void expect(bool right, const std::string& name, const char* wanted) {
  if (!right) throw FileError(name + " is not " + wanted);
}

Space line(std::size_t count) {
  const hsize_t size = count;
  return Space(check(H5Screate_simple(1, &size, nullptr), "HDF5 space"));
}
Space scalar() {
  return Space(check(H5Screate(H5S_SCALAR), "HDF5 space"));
}

}  // namespace

Type text_type(std::size_t bytes) {
  Type type(check(H5Tcopy(H5T_C_S1), "HDF5 type"));
  check(H5Tset_size(type.get(), std::max<std::size_t>(bytes, 1)), "HDF5 type");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "HDF5 type");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "HDF5 type");
  return type;
}

Type float_type() {
  return Type(check(H5Tcopy(H5T_IEEE_F32LE), "HDF5 type"));
}

bool has_attribute(hid_t object, const std::string& name) {
  return check(H5Aexists(object, name.c_str()), name) > 0;
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  const Space space = scalar();
  const Attribute attribute(
      check(H5Acreate2(object, name.c_str(), H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), name));
  check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value), name);
}

std::int64_t read_attribute(hid_t object, const std::string& name) {
  const Attribute attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT), name));
  const Type type(check(H5Aget_type(attribute.get()), name));
  expect(H5Tequal(type.get(), H5T_STD_I64LE) > 0 && H5Aget_storage_size(attribute.get()) == sizeof(std::int64_t), name,
         "a 64-bit integer");
  std::int64_t value = 0;
  check(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value), name);
  return value;
}

void write_table(hid_t group, const std::string& name, const Type& type, std::optional<std::size_t> rows,
                 const std::string& packed) {
  const Space space = rows ? line(*rows) : scalar();
  const hid_t properties = dataset_properties();
  const Dataset dataset(
      check(H5Dcreate2(group, name.c_str(), type.get(), space.get(), H5P_DEFAULT, properties, H5P_DEFAULT), name));
  if (rows == 0U) return;
  check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()), name);
}

Table open_table(hid_t group, const std::string& name) {
  refuse_all_but_hard_links(group, name);
  refuse_shared(group, name);
  Table table;
  table.dataset = Dataset(check(H5Dopen2(group, name.c_str(), H5P_DEFAULT), name));
  table.chunked = lies_in_chunks(table.dataset.get(), name);
  const Space space(check(H5Dget_space(table.dataset.get()), name));
  if (check(H5Sget_simple_extent_ndims(space.get()), name) > 1) throw FileError(name + " has a foreign shape");
  table.rows = static_cast<std::size_t>(check(H5Sget_simple_extent_npoints(space.get()), name));
  table.type = Type(check(H5Dget_type(table.dataset.get()), name));
  table.row_bytes = H5Tget_size(table.type.get());
  if (table.row_bytes == 0) throw FileError(name + " has values of no size");
  if (table.chunked) {
    const std::uint64_t in_file = bytes_of_file_of(table.dataset.get(), name);
    expect_bytes(table, std::max(kAnyUnpacked, kMostUnpacked * in_file), name);
    check_chunks(table, in_file, name);
  } else if (table.rows > kSmall || table.row_bytes > kSmall || table.rows * table.row_bytes > kSmall) {
    expect_bytes(table, bytes_of_file_of(table.dataset.get(), name), name);
  }
  return table;
}

std::vector<std::size_t> column_bytes(const Table& table, const std::string& name) {
  expect(H5Tget_class(table.type.get()) == H5T_COMPOUND, name, "a table");
  const auto columns = static_cast<unsigned>(check(H5Tget_nmembers(table.type.get()), name));
  std::vector<std::size_t> bytes;
  std::size_t begin = 0;
  for (unsigned i = 1; i <= columns; ++i) {
    const std::size_t end = i == columns ? table.row_bytes : H5Tget_member_offset(table.type.get(), i);
    expect(end > begin, name, "a table whose columns follow each other");
    bytes.push_back(end - begin);
    begin = end;
  }
  return bytes;
}

void expect_type(const Table& table, const Type& expected, const std::string& name, const char* in_words) {
  expect(H5Tequal(table.type.get(), expected.get()) > 0, name, in_words);
}

std::string read_table(const Table& table, const Type& expected, const std::string& name) {
  if (table.chunked) return read_chunks(table, name);
  std::string packed(table.rows * table.row_bytes, '\0');
  if (table.rows == 0) return packed;
  check(H5Dread(table.dataset.get(), expected.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()), name);
  return packed;
}

}  // namespace peftgrid::checkpoint::h5
