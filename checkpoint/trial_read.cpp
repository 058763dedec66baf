#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

constexpr std::size_t kLongestTensorName = 4096;

TestResult read_test(hid_t tests, const std::string& name) {
  const h5::Group group = h5::open_group(tests, name);
  TestResult test;
  test.name = name;
  const auto names = h5::read_texts(group.get(), "metric_names");
  const auto values = h5::read_reals(group.get(), "metrics");
  if (names.size() != values.size()) throw FileError("tests/" + name + " has not one name a metric");
  for (std::size_t i = 0; i < names.size(); ++i) test.metrics.emplace_back(names[i], values[i]);
  test.labels = h5::read_bytes_or_reals(group.get(), "labels");
  test.predictions = h5::read_bytes_or_reals(group.get(), "predictions");
  if (test.labels.size() != test.predictions.size())
    throw FileError("tests/" + name + " has not one label a prediction");
  return test;
}

std::vector<TestResult> read_tests(hid_t trial) {
  const h5::Group group = h5::open_group(trial, "tests");
  std::vector<std::pair<std::int64_t, TestResult>> ordered;
  for (const std::string& name : h5::children(group.get())) {
    if (!plain_name(name)) throw FileError("a test set has a name that no test set has");
    ordered.emplace_back(h5::read_integer(h5::open_group(group.get(), name).get(), "order"),
                         read_test(group.get(), name));
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<TestResult> tests;
  for (auto& [order, test] : ordered) tests.push_back(std::move(test));
  return tests;
}

std::vector<CurvePoint> read_curve(hid_t trial) {
  const h5::Table table = h5::open_table(trial, "curve");
  const std::string packed = h5::read_table(table, curve_type(), "curve");
  std::vector<CurvePoint> curve;
  for (std::size_t i = 0; i < table.rows; ++i) {
    CurveRow row;
    std::memcpy(&row, packed.data() + i * sizeof row, sizeof row);
    curve.push_back({row.step, row.epoch, row.train_loss, row.selection_score});
  }
  return curve;
}

KeptTensor tensor_of(std::string_view packed, std::size_t name_bytes, TensorRow& row) {
  KeptTensor tensor;
  const std::string_view name = packed.substr(0, name_bytes);
  tensor.name = name.substr(0, name.find_last_not_of('\0') + 1);
  std::memcpy(&row, packed.data() + name_bytes, sizeof row);
  tensor.sha256.assign(row.sha256.begin(), row.sha256.end());
  if (row.rank < 0 || row.rank > static_cast<std::int64_t>(kMostDimensions) || row.count < 0 || row.first < 0) {
    throw FileError("tensor " + tensor.name + " has an impossible shape or place");
  }
  std::int64_t product = 1;
  for (std::int64_t i = 0; i < row.rank; ++i) {
    const std::int64_t size = row.shape[static_cast<std::size_t>(i)];
    if (size < 0 || __builtin_mul_overflow(product, size, &product)) {
      throw FileError("tensor " + tensor.name + " has an impossible shape");
    }
    tensor.shape.push_back(size);
  }
  if (row.count != 0 && row.count != product)
    throw FileError("tensor " + tensor.name + " has not the values of its shape");
  return tensor;
}

/// Copies the tensor's part of `values`; tensors lie one after the other, so no value is taken twice.
void fill_values(KeptTensor& tensor, const TensorRow& row, const std::vector<float>& values, std::int64_t& reached) {
  if (row.count == 0) return;
  if (row.first != reached || row.count > static_cast<std::int64_t>(values.size()) - reached) {
    throw FileError("tensor " + tensor.name + " lies at the wrong place of tensor_values");
  }
  reached += row.count;
  tensor.values.assign(values.begin() + row.first, values.begin() + reached);
  if (sha256_of_values(tensor.values) != tensor.sha256) {
    throw FileError("tensor " + tensor.name + " is damaged: its values do not have the SHA-256 that was stored");
  }
}

std::vector<KeptTensor> read_tensors(hid_t trial, Read how) {
  const h5::Table table = h5::open_table(trial, "tensors");
  if (table.row_bytes <= sizeof(TensorRow) || table.row_bytes > sizeof(TensorRow) + kLongestTensorName) {
    throw FileError("tensors is not a table of tensors");
  }
  const std::size_t name_bytes = table.row_bytes - sizeof(TensorRow);
  const std::string packed = h5::read_table(table, tensor_type(name_bytes), "tensors");
  std::vector<float> values;
  if (how == Read::Everything) values = h5::read_floats(trial, "tensor_values");
  std::vector<KeptTensor> tensors;
  std::int64_t reached = 0;
  for (std::size_t i = 0; i < table.rows; ++i) {
    TensorRow row;
    tensors.push_back(
        tensor_of(std::string_view(packed).substr(i * table.row_bytes, table.row_bytes), name_bytes, row));
    if (how == Read::Everything) fill_values(tensors.back(), row, values, reached);
  }
  return tensors;
}

}  // namespace

TrialRecord read_trial_group(hid_t trials, const std::string& id, Read how) {
  if (!plain_name(id)) throw FileError("a trial has an id that no trial has");
  try {
    const h5::Group trial = h5::open_group(trials, id);
    TrialRecord record;
    record.id = id;
    record.state = h5::read_text_attribute(trial.get(), "state");
    for (const IntegerField& field : kIntegerFields) record.*field.member = h5::read_integer(trial.get(), field.name);
    for (const RealField& field : kRealFields) record.*field.member = h5::read_real(trial.get(), field.name);
    record.reason = h5::read_text(trial.get(), "reason");
    record.spec = h5::read_text(trial.get(), "spec");
    record.environment = h5::read_text(trial.get(), "environment");
    record.warnings = h5::read_texts(trial.get(), "warnings");
    record.tests = read_tests(trial.get());
    record.curve = read_curve(trial.get());
    record.tensors = read_tensors(trial.get(), how);
    if (content_sha256(record) != h5::read_text_attribute(trial.get(), kContentAttribute)) {
      throw FileError("it is damaged: its content does not have the SHA-256 that was stored");
    }
    return record;
  } catch (const FileError& error) {
    throw FileError("trial " + id + ": " + error.what());
  }
}

}  // namespace peftgrid::checkpoint
