#include <algorithm>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/h5.hpp"

namespace peftgrid::checkpoint::h5 {
namespace {

/// What is claimed to be no larger is read without a look at the file's size.
constexpr std::size_t kSmall = 4096;

/// Not more than the file holds: a claim must not take memory.
void checked_bytes(hid_t object, std::size_t count, std::size_t each, const std::string& name) {
  const Handle<hid_t, H5Fclose, hid_t{-1}> file(check(H5Iget_file_id(object), name));
  hsize_t file_bytes = 0;
  check(H5Fget_filesize(file.get(), &file_bytes), name);
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes) || bytes > file_bytes) {
    throw FileError(name + " claims " + std::to_string(count) + " values of " + std::to_string(each) +
                    " bytes in a file of " + std::to_string(file_bytes));
  }
}

std::size_t points(hid_t space, const std::string& name, int most_dimensions) {
  if (check(H5Sget_simple_extent_ndims(space), name) > most_dimensions) throw FileError(name + " has a foreign shape");
  return static_cast<std::size_t>(check(H5Sget_simple_extent_npoints(space), name));
}

/// Chunks may be compressed to a thousandth, and external storage names other files: neither is ours.
void refuse_chunked_or_external(hid_t dataset, const std::string& name) {
  // What has one place in the file is neither; to ask for its properties takes as long as to read it.
  if (H5Dget_offset(dataset) != HADDR_UNDEF) return;
  const Properties creation(check(H5Dget_create_plist(dataset), name));
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  if ((layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) || H5Pget_external_count(creation.get()) != 0) {
    throw FileError(name + " is stored in chunks or outside the file, which a trial file never does");
  }
}

Table open_values(hid_t group, const std::string& name, int most_dimensions) {
  refuse_all_but_hard_links(group, name);
  Table table;
  table.dataset = Dataset(check(H5Dopen2(group, name.c_str(), H5P_DEFAULT), name));
  refuse_chunked_or_external(table.dataset.get(), name);
  const Space space(check(H5Dget_space(table.dataset.get()), name));
  table.rows = points(space.get(), name, most_dimensions);
  table.type = Type(check(H5Dget_type(table.dataset.get()), name));
  table.row_bytes = H5Tget_size(table.type.get());
  if (table.row_bytes == 0) throw FileError(name + " has values of no size");
  if (table.rows > kSmall || table.row_bytes > kSmall || table.rows * table.row_bytes > kSmall) {
    checked_bytes(table.dataset.get(), table.rows, table.row_bytes, name);
  }
  return table;
}

void expect(bool right, const std::string& name, const char* wanted) {
  if (!right) throw FileError(name + " is not " + wanted);
}

bool fixed_text(hid_t type) {
  return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
}

void read_raw(const Table& table, hid_t type, void* into, const std::string& name) {
  if (table.rows == 0) return;
  check(H5Dread(table.dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into), name);
}

template <typename Value>
std::vector<Value> read_values(const Table& table, hid_t file_type, hid_t memory_type, const std::string& name,
                               const char* wanted) {
  expect(H5Tequal(table.type.get(), file_type) > 0, name, wanted);
  std::vector<Value> values(table.rows);
  read_raw(table, memory_type, values.data(), name);
  return values;
}

void write_values(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type, const Space& space,
                  const void* data) {
  const Dataset dataset(check(
      H5Dcreate2(group, name.c_str(), file_type, space.get(), H5P_DEFAULT, dataset_properties(), H5P_DEFAULT), name));
  if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
  check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name);
}

Space line(std::size_t count) {
  const hsize_t size = count;
  return Space(check(H5Screate_simple(1, &size, nullptr), "HDF5 space"));
}
Space scalar() {
  return Space(check(H5Screate(H5S_SCALAR), "HDF5 space"));
}

std::string without_padding(std::string text) {
  text.resize(text.find_last_not_of('\0') + 1);
  return text;
}

void write_scalar_attribute(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type,
                            const void* value) {
  const Space space = scalar();
  const Attribute attribute(
      check(H5Acreate2(object, name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), name));
  check(H5Awrite(attribute.get(), memory_type, value), name);
}

struct OpenAttribute {
  Attribute attribute;
  Type type;
};

/// Of one value.
OpenAttribute open_attribute(hid_t object, const std::string& name) {
  OpenAttribute open{Attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT), name)), {}};
  open.type = Type(check(H5Aget_type(open.attribute.get()), name));
  const std::size_t each = H5Tget_size(open.type.get());
  expect(each > 0 && H5Aget_storage_size(open.attribute.get()) == each, name, "one value");
  if (each > kSmall) checked_bytes(open.attribute.get(), 1, each, name);
  return open;
}

template <typename Value>
Value read_number(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type, const char* wanted) {
  const OpenAttribute open = open_attribute(object, name);
  expect(H5Tequal(open.type.get(), file_type) > 0, name, wanted);
  Value value = 0;
  check(H5Aread(open.attribute.get(), memory_type, &value), name);
  return value;
}

}  // namespace

Type text_type(std::size_t bytes) {
  Type type(check(H5Tcopy(H5T_C_S1), "HDF5 type"));
  check(H5Tset_size(type.get(), std::max<std::size_t>(bytes, 1)), "HDF5 type");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "HDF5 type");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "HDF5 type");
  return type;
}

bool has_attribute(hid_t object, const std::string& name) {
  return check(H5Aexists(object, name.c_str()), name) > 0;
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_scalar_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}
void write_attribute(hid_t object, const std::string& name, double value) {
  write_scalar_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}
void write_attribute(hid_t object, const std::string& name, const std::string& value) {
  const Type type = text_type(value.size());
  write_scalar_attribute(object, name, type.get(), type.get(), value.c_str());
}

std::int64_t read_integer(hid_t object, const std::string& name) {
  return read_number<std::int64_t>(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, "a 64-bit integer");
}

double read_real(hid_t object, const std::string& name) {
  return read_number<double>(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, "a 64-bit real number");
}

std::string read_text_attribute(hid_t object, const std::string& name) {
  const OpenAttribute open = open_attribute(object, name);
  expect(fixed_text(open.type.get()), name, "text of a fixed length");
  std::string text(H5Tget_size(open.type.get()), '\0');
  check(H5Aread(open.attribute.get(), open.type.get(), text.data()), name);
  return without_padding(std::move(text));
}

void write_text(hid_t group, const std::string& name, const std::string& text) {
  const Type type = text_type(text.size());
  write_values(group, name, type.get(), type.get(), scalar(), text.c_str());
}

void write_texts(hid_t group, const std::string& name, const std::vector<std::string>& texts) {
  std::size_t longest = 1;
  for (const auto& text : texts) longest = std::max(longest, text.size());
  std::string packed(longest * texts.size(), '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) packed.replace(i * longest, texts[i].size(), texts[i]);
  write_table(group, name, text_type(longest), texts.size(), packed);
}

void write_reals(hid_t group, const std::string& name, const std::vector<double>& values) {
  write_values(group, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, line(values.size()), values.data());
}
void write_bytes(hid_t group, const std::string& name, const std::vector<std::uint8_t>& values) {
  write_values(group, name, H5T_STD_U8LE, H5T_NATIVE_UINT8, line(values.size()), values.data());
}
void write_floats(hid_t group, const std::string& name, const std::vector<float>& values) {
  write_values(group, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, line(values.size()), values.data());
}
void write_table(hid_t group, const std::string& name, const Type& type, std::size_t rows, const std::string& packed) {
  write_values(group, name, type.get(), type.get(), line(rows), packed.data());
}

std::string read_text(hid_t group, const std::string& name) {
  const Table table = open_values(group, name, 0);
  expect(fixed_text(table.type.get()) && table.rows == 1, name, "one text of a fixed length");
  std::string text(table.row_bytes, '\0');
  read_raw(table, table.type.get(), text.data(), name);
  return without_padding(std::move(text));
}

std::vector<std::string> read_texts(hid_t group, const std::string& name) {
  const Table table = open_values(group, name, 1);
  expect(fixed_text(table.type.get()), name, "a list of texts of a fixed length");
  std::string packed(table.rows * table.row_bytes, '\0');
  read_raw(table, table.type.get(), packed.data(), name);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < table.rows; ++i) {
    texts.push_back(without_padding(packed.substr(i * table.row_bytes, table.row_bytes)));
  }
  return texts;
}

std::vector<double> read_reals(hid_t group, const std::string& name) {
  return read_values<double>(open_values(group, name, 1), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, name,
                             "a list of 64-bit real numbers");
}

std::vector<double> read_bytes_or_reals(hid_t group, const std::string& name) {
  const Table table = open_values(group, name, 1);
  if (H5Tequal(table.type.get(), H5T_STD_U8LE) <= 0) return read_reals(group, name);
  const auto bytes = read_values<std::uint8_t>(table, H5T_STD_U8LE, H5T_NATIVE_UINT8, name, "a list of bytes");
  return {bytes.begin(), bytes.end()};
}

std::vector<float> read_floats(hid_t group, const std::string& name) {
  return read_values<float>(open_values(group, name, 1), H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, name,
                            "a list of 32-bit real numbers");
}

Table open_table(hid_t group, const std::string& name) {
  return open_values(group, name, 1);
}

std::string read_table(const Table& table, const Type& expected, const std::string& name) {
  expect(H5Tequal(table.type.get(), expected.get()) > 0, name, "a table of the columns that docs/trial_file.md names");
  std::string packed(table.rows * table.row_bytes, '\0');
  read_raw(table, table.type.get(), packed.data(), name);
  return packed;
}

}  // namespace peftgrid::checkpoint::h5
