#include "checkpoint/trial_layout.hpp"

#include <algorithm>
#include <utility>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

constexpr const char* kLayoutAttribute = "peftgrid_layout";
constexpr const char* kTrialsGroup = "trials";
constexpr std::size_t kLongestName = 4096;

/// A table's row type, column after column with nothing between them.
class Columns {
 public:
  void number(const char* name, hid_t type) { add(name, type, 8); }
  void byte(const char* name) { add(name, H5T_STD_U8LE, 1); }
  void text(const char* name, std::size_t bytes) { add(name, h5::text_type(bytes).get(), bytes); }
  void numbers(const char* name, hid_t type, std::size_t count) {
    const hsize_t size = count;
    add(name, h5::Type(h5::check(H5Tarray_create2(type, 1, &size), "HDF5 type")).get(), 8 * count);
  }
  h5::Type take() { return std::move(row_); }

 private:
  void add(const char* name, hid_t type, std::size_t bytes) {
    const std::size_t offset = std::exchange(bytes_, bytes_ + bytes);
    h5::check(H5Tset_size(row_.get(), bytes_), name);
    h5::check(H5Tinsert(row_.get(), name, offset, type), name);
  }
  h5::Type row_{h5::check(H5Tcreate(H5T_COMPOUND, 1), "HDF5 type")};
  std::size_t bytes_ = 0;
};

h5::Type record_type(const std::vector<std::size_t>& text_bytes) {
  Columns columns;
  for (const IntegerField& field : kIntegerFields) columns.number(field.name, H5T_STD_I64LE);
  for (const RealField& field : kRealFields) columns.number(field.name, H5T_IEEE_F64LE);
  columns.text("content_sha256", kHashBytes);
  for (std::size_t i = 0; i < kTextFields.size(); ++i) columns.text(kTextFields[i].name, text_bytes.at(i));
  return columns.take();
}

h5::Type curve_type() {
  Columns columns;
  columns.number("step", H5T_STD_I64LE);
  for (const char* name : {"epoch", "train_loss", "selection_score"}) columns.number(name, H5T_IEEE_F64LE);
  return columns.take();
}

h5::Type metric_type(std::size_t test_bytes, std::size_t name_bytes) {
  Columns columns;
  columns.text("test", test_bytes);
  columns.text("name", name_bytes);
  columns.number("value", H5T_IEEE_F64LE);
  for (const char* name : {"first", "count"}) columns.number(name, H5T_STD_I64LE);
  return columns.take();
}

h5::Type prediction_type(bool bytes) {
  Columns columns;
  for (const char* name : {"label", "prediction"}) {
    if (bytes) {
      columns.byte(name);
    } else {
      columns.number(name, H5T_IEEE_F64LE);
    }
  }
  return columns.take();
}

h5::Type tensor_type(std::size_t name_bytes) {
  Columns columns;
  columns.text("name", name_bytes);
  columns.text("sha256", kHashBytes);
  columns.number("rank", H5T_STD_I64LE);
  columns.numbers("shape", H5T_STD_I64LE, kMostDimensions);
  for (const char* name : {"first", "count"}) columns.number(name, H5T_STD_I64LE);
  return columns.take();
}

h5::Type type_of(const std::string& table, const std::vector<std::size_t>& widths) {
  if (table == "record") return record_type(widths);
  if (table == "metrics") return metric_type(widths.at(0), widths.at(1));
  if (table == "predictions") return prediction_type(widths.at(0) == 1);
  if (table == "curve") return curve_type();
  if (table == "tensors") return tensor_type(widths.at(0));
  if (table == "tensor_values") return h5::float_type();
  return h5::text_type(widths.at(0));
}

/// `widths` of a stored table; whether its type is ours in all else is for read_table.
std::vector<std::size_t> stored_widths(const h5::Table& table, const std::string& name) {
  if (name == "curve" || name == "tensor_values") return {};
  if (name == "warnings") return {table.row_bytes};
  if (name == "predictions") return {table.row_bytes / 2};
  const std::vector<std::size_t> columns = h5::column_bytes(table, name);
  if (name == "record") {
    if (columns.size() != kIntegerFields.size() + kRealFields.size() + 1 + kTextFields.size()) {
      throw FileError("record has not the columns that docs/trial_file.md names");
    }
    return {columns.end() - static_cast<std::ptrdiff_t>(kTextFields.size()), columns.end()};
  }
  if (name == "metrics") {
    if (columns.size() != 5) throw FileError("metrics is not a table of metrics");
    return {columns[0], columns[1]};
  }
  if (columns.size() != 6 || columns[0] > kLongestName) throw FileError("tensors is not a table of tensors");
  return {columns[0]};
}

const char* in_words(const std::string& table) {
  if (table == "tensor_values") return "a list of 32-bit real numbers";
  if (table == "warnings") return "a list of texts of a fixed length";
  return "a table of the columns that docs/trial_file.md names";
}

/// Without its content where that is not wanted. What lies in chunks is whole only if it unpacks.
TrialTable read_one(hid_t trial, const std::string& name, bool content) {
  const h5::Table stored = h5::open_table(trial, name);
  TrialTable table{name, stored_widths(stored, name), stored.rows, {}};
  const h5::Type type = type_of(name, table.widths);
  h5::expect_type(stored, type, name, in_words(name));
  if (content || stored.chunked) table.packed = h5::read_table(stored, type, name);
  if (name == "record") {
    if (stored.rows != 1) throw FileError("record is not one row");
    table.rows.reset();
  }
  return table;
}

void refuse_more_than(const std::vector<std::string>& tables, hid_t trial) {
  if (h5::count_children(trial) == tables.size()) return;
  for (const std::string& name : h5::children(trial)) {
    if (std::ranges::find(tables, name) == tables.end()) {
      throw FileError("it holds \"" + name + "\", which a trial has not");
    }
  }
}

}  // namespace

h5::Group create_trials(hid_t file) {
  h5::write_attribute(file, kLayoutAttribute, kLayoutVersion);
  return h5::create_group(file, kTrialsGroup);
}

h5::Group open_trials(hid_t file) {
  if (!h5::has_attribute(file, kLayoutAttribute)) throw FileError("an HDF5 file, but not one of trials");
  const std::int64_t version = h5::read_attribute(file, kLayoutAttribute);
  if (version != kLayoutVersion) {
    throw LayoutError("its layout has version " + std::to_string(version) + "; this program reads version " +
                      std::to_string(kLayoutVersion));
  }
  return h5::open_group(file, kTrialsGroup);
}

void write_tables(hid_t trials, const std::string& id, const std::vector<TrialTable>& tables) {
  const h5::Group trial = h5::create_group(trials, id);
  for (const TrialTable& table : tables) {
    const h5::Type type = type_of(table.name, table.widths);
    h5::write_table(trial.get(), table.name, type, table.rows, table.packed);
  }
}

std::vector<TrialTable> read_tables(hid_t trials, const std::string& id, Read how) {
  const h5::Group trial = h5::open_group(trials, id);
  std::vector<std::string> names = {"record", "metrics", "predictions", "curve", "tensors", "tensor_values"};
  if (h5::has_child(trial.get(), "warnings")) names.insert(names.begin() + 1, "warnings");
  refuse_more_than(names, trial.get());
  std::vector<TrialTable> tables;
  for (const std::string& name : names) {
    const bool is_values = name == "tensor_values";
    if (is_values && how == Read::WithoutTensors) continue;
    tables.push_back(read_one(trial.get(), name, !is_values || how == Read::Everything));
  }
  return tables;
}

TrialRecord read_trial_group(hid_t trials, const std::string& id, Read how) {
  if (!plain_name(id)) throw FileError("a trial has an id that no trial has");
  try {
    return record_of(id, read_tables(trials, id, how), how);
  } catch (const UnreadError& error) {
    throw UnreadError(error.why(), "trial " + id + ": " + error.what());
  } catch (const FileError& error) {
    throw FileError("trial " + id + ": " + error.what());
  }
}

}  // namespace peftgrid::checkpoint
