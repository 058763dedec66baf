#include "checkpoint/trial_layout.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>

#include "checkpoint/errors.hpp"
#include "checkpoint/sha256.hpp"

namespace peftgrid::checkpoint {
namespace {

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

/// Bytes to hash: each value with its length, so that no two records run together alike.
class Content {
 public:
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    bytes_ += text;
  }
  void add(std::int64_t value) { raw(&value, sizeof value); }
  void add(double value) { raw(&value, sizeof value); }
  void add(const std::vector<double>& values) {
    add(static_cast<std::int64_t>(values.size()));
    raw(values.data(), values.size() * sizeof(double));
  }
  std::string hash() const { return sha256(bytes_); }

 private:
  void raw(const void* data, std::size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string bytes_;
};

void add_tests(Content& content, const std::vector<TestResult>& tests) {
  content.add(static_cast<std::int64_t>(tests.size()));
  for (const TestResult& test : tests) {
    content.add(test.name);
    content.add(static_cast<std::int64_t>(test.metrics.size()));
    for (const auto& [name, value] : test.metrics) {
      content.add(name);
      content.add(value);
    }
    content.add(test.labels);
    content.add(test.predictions);
  }
}

}  // namespace

h5::Type record_type(const TextWidths& text_bytes) {
  Columns columns;
  for (const IntegerField& field : kIntegerFields) columns.number(field.name, H5T_STD_I64LE);
  for (const RealField& field : kRealFields) columns.number(field.name, H5T_IEEE_F64LE);
  columns.text("content_sha256", kHashBytes);
  for (std::size_t i = 0; i < kTextFields.size(); ++i) columns.text(kTextFields[i].name, text_bytes[i]);
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

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c < 128 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

std::string content_sha256(const TrialRecord& record) {
  Content content;
  content.add(record.id);
  for (const TextField& field : kTextFields) content.add(record.*field.member);
  for (const IntegerField& field : kIntegerFields) content.add(record.*field.member);
  for (const RealField& field : kRealFields) content.add(record.*field.member);
  add_tests(content, record.tests);
  content.add(static_cast<std::int64_t>(record.curve.size()));
  for (const CurvePoint& point : record.curve) {
    content.add(point.step);
    content.add({point.epoch, point.train_loss, point.selection_score});
  }
  content.add(static_cast<std::int64_t>(record.warnings.size()));
  for (const std::string& warning : record.warnings) content.add(warning);
  content.add(static_cast<std::int64_t>(record.tensors.size()));
  for (const KeptTensor& tensor : record.tensors) {
    content.add(tensor.name);
    content.add(tensor.sha256);
    content.add(static_cast<std::int64_t>(tensor.shape.size()));
    for (const std::int64_t size : tensor.shape) content.add(size);
  }
  return content.hash();
}

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

}  // namespace peftgrid::checkpoint
