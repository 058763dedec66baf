#include "checkpoint/trial_layout.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "checkpoint/errors.hpp"
#include "checkpoint/sha256.hpp"

namespace peftgrid::checkpoint {
namespace {

void insert(const h5::Type& compound, const char* name, std::size_t offset, hid_t type) {
  h5::check(H5Tinsert(compound.get(), name, offset, type), name);
}

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

h5::Type curve_type() {
  h5::Type type(h5::check(H5Tcreate(H5T_COMPOUND, sizeof(CurveRow)), "HDF5 type"));
  insert(type, "step", offsetof(CurveRow, step), H5T_STD_I64LE);
  insert(type, "epoch", offsetof(CurveRow, epoch), H5T_IEEE_F64LE);
  insert(type, "train_loss", offsetof(CurveRow, train_loss), H5T_IEEE_F64LE);
  insert(type, "selection_score", offsetof(CurveRow, selection_score), H5T_IEEE_F64LE);
  return type;
}

h5::Type tensor_type(std::size_t name_bytes) {
  h5::Type type(h5::check(H5Tcreate(H5T_COMPOUND, name_bytes + sizeof(TensorRow)), "HDF5 type"));
  const hsize_t dimensions = kMostDimensions;
  const h5::Type shape(h5::check(H5Tarray_create2(H5T_STD_I64LE, 1, &dimensions), "HDF5 type"));
  insert(type, "name", 0, h5::text_type(name_bytes).get());
  insert(type, "sha256", name_bytes + offsetof(TensorRow, sha256), h5::text_type(64).get());
  insert(type, "rank", name_bytes + offsetof(TensorRow, rank), H5T_STD_I64LE);
  insert(type, "shape", name_bytes + offsetof(TensorRow, shape), shape.get());
  insert(type, "first", name_bytes + offsetof(TensorRow, first), H5T_STD_I64LE);
  insert(type, "count", name_bytes + offsetof(TensorRow, count), H5T_STD_I64LE);
  return type;
}

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c < 128 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

std::string content_sha256(const TrialRecord& record) {
  Content content;
  for (const std::string* text : {&record.id, &record.state, &record.reason, &record.spec, &record.environment}) {
    content.add(*text);
  }
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
  const std::int64_t version = h5::read_integer(file, kLayoutAttribute);
  if (version != kLayoutVersion) {
    throw FileError("its layout has version " + std::to_string(version) + "; this program reads version " +
                    std::to_string(kLayoutVersion));
  }
  return h5::open_group(file, kTrialsGroup);
}

}  // namespace peftgrid::checkpoint
