#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/packed.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

constexpr std::size_t kLongestName = 4096;

/// The text columns' widths, which vary from file to file; whether the type is ours in all else is for read_table.
TextWidths text_widths(const h5::Table& table) {
  const std::vector<std::size_t> widths = h5::column_bytes(table, "record");
  TextWidths texts{};
  if (widths.size() != kIntegerFields.size() + kRealFields.size() + 1 + texts.size()) {
    throw FileError("record has not the columns that docs/trial_file.md names");
  }
  std::copy(widths.end() - static_cast<std::ptrdiff_t>(texts.size()), widths.end(), texts.begin());
  return texts;
}

/// Fills the scalars and gives the content's hash as it was stored.
std::string read_scalars(hid_t trial, TrialRecord& record) {
  const h5::Table table = h5::open_table(trial, "record");
  const TextWidths widths = text_widths(table);
  const std::string packed = h5::read_table(table, record_type(widths), "record");
  if (table.rows != 1) throw FileError("record is not one row");
  Unpack row(packed);
  for (const IntegerField& field : kIntegerFields) record.*field.member = row.number<std::int64_t>();
  for (const RealField& field : kRealFields) record.*field.member = row.number<double>();
  std::string hash = row.text(kHashBytes);
  for (std::size_t i = 0; i < widths.size(); ++i) record.*kTextFields[i].member = row.text(widths[i]);
  return hash;
}

/// Labels and predictions of all test sets, one row after the other.
std::vector<std::array<double, 2>> read_predictions(hid_t trial) {
  const h5::Table table = h5::open_table(trial, "predictions");
  const bool bytes = table.row_bytes == 2;
  const std::string packed = h5::read_table(table, prediction_type(bytes), "predictions");
  std::vector<std::array<double, 2>> rows(table.rows);
  Unpack unpack(packed);
  for (auto& row : rows) {
    for (double& value : row) value = bytes ? unpack.number<std::uint8_t>() : unpack.number<double>();
  }
  return rows;
}

/// Test sets lie one after the other, so no prediction is taken twice.
void add_test(std::vector<TestResult>& tests, std::string name, std::int64_t count,
              const std::vector<std::array<double, 2>>& predictions, std::int64_t& reached) {
  const bool twice = std::any_of(tests.begin(), tests.end(), [&](const TestResult& test) { return test.name == name; });
  if (!plain_name(name) || twice) throw FileError("metrics names a test set that cannot be one");
  if (count < 0 || count > static_cast<std::int64_t>(predictions.size()) - reached) {
    throw FileError("metrics of " + name + " speak of rows that predictions has not");
  }
  TestResult& test = tests.emplace_back();
  test.name = std::move(name);
  for (const std::int64_t end = reached + count; reached < end; ++reached) {
    const auto& [label, prediction] = predictions[static_cast<std::size_t>(reached)];
    test.labels.push_back(label);
    test.predictions.push_back(prediction);
  }
}

std::vector<TestResult> read_tests(hid_t trial) {
  const h5::Table table = h5::open_table(trial, "metrics");
  const std::vector<std::size_t> widths = h5::column_bytes(table, "metrics");
  if (widths.size() != 5) throw FileError("metrics is not a table of metrics");
  const std::string packed = h5::read_table(table, metric_type(widths[0], widths[1]), "metrics");
  const auto predictions = read_predictions(trial);
  std::vector<TestResult> tests;
  std::int64_t reached = 0, first_of_test = 0;
  for (Unpack row(packed); !row.done();) {
    const std::string test = row.text(widths[0]), name = row.text(widths[1]);
    const auto value = row.number<double>();
    const auto first = row.number<std::int64_t>(), count = row.number<std::int64_t>();
    if (tests.empty() || tests.back().name != test) {
      first_of_test = reached;
      add_test(tests, test, count, predictions, reached);
    }
    if (first != first_of_test || count != reached - first) {
      throw FileError("metrics of " + test + " speak of the wrong rows of predictions");
    }
    tests.back().metrics.emplace_back(name, value);
  }
  if (reached != static_cast<std::int64_t>(predictions.size())) throw FileError("predictions belong to no test set");
  return tests;
}

std::vector<CurvePoint> read_curve(hid_t trial) {
  const std::string packed = h5::read_table(h5::open_table(trial, "curve"), curve_type(), "curve");
  std::vector<CurvePoint> curve;
  for (Unpack row(packed); !row.done();) {
    CurvePoint& point = curve.emplace_back();
    point.step = row.number<std::int64_t>();
    for (double* value : {&point.epoch, &point.train_loss, &point.selection_score}) *value = row.number<double>();
  }
  return curve;
}

struct Place {
  std::int64_t first, count;
};

/// The next tensor but its values, and their place.
std::pair<KeptTensor, Place> next_tensor(Unpack& row, std::size_t name_bytes) {
  KeptTensor tensor;
  tensor.name = row.text(name_bytes);
  tensor.sha256 = row.text(kHashBytes);
  const auto rank = row.number<std::int64_t>();
  if (rank < 0 || rank > static_cast<std::int64_t>(kMostDimensions)) {
    throw FileError("tensor " + tensor.name + " has an impossible shape");
  }
  std::int64_t product = 1;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(kMostDimensions); ++i) {
    const auto size = row.number<std::int64_t>();
    if (i >= rank) continue;
    if (size < 0 || __builtin_mul_overflow(product, size, &product)) {
      throw FileError("tensor " + tensor.name + " has an impossible shape");
    }
    tensor.shape.push_back(size);
  }
  const Place place{row.number<std::int64_t>(), row.number<std::int64_t>()};
  if (place.first < 0 || place.count < 0) throw FileError("tensor " + tensor.name + " has an impossible place");
  if (place.count != 0 && place.count != product) {
    throw FileError("tensor " + tensor.name + " has not the values of its shape");
  }
  return {std::move(tensor), place};
}

/// Copies the tensor's part of `values`; tensors lie one after the other, so no value is taken twice.
void fill_values(KeptTensor& tensor, Place place, const std::vector<float>& values, std::int64_t& reached) {
  if (place.count == 0) return;
  if (place.first != reached || place.count > static_cast<std::int64_t>(values.size()) - reached) {
    throw FileError("tensor " + tensor.name + " lies at the wrong place of tensor_values");
  }
  reached += place.count;
  tensor.values.assign(values.begin() + place.first, values.begin() + reached);
  if (sha256_of_values(tensor.values) != tensor.sha256) {
    throw FileError("tensor " + tensor.name + " is damaged: its values do not have the SHA-256 that was stored");
  }
}

std::vector<KeptTensor> read_tensors(hid_t trial, Read how) {
  const h5::Table table = h5::open_table(trial, "tensors");
  const std::vector<std::size_t> widths = h5::column_bytes(table, "tensors");
  if (widths.size() != 6 || widths[0] > kLongestName) throw FileError("tensors is not a table of tensors");
  const std::string packed = h5::read_table(table, tensor_type(widths[0]), "tensors");
  std::vector<float> values;
  if (how == Read::Everything) values = h5::read_floats(trial, "tensor_values");
  std::vector<KeptTensor> tensors;
  std::int64_t reached = 0;
  for (Unpack row(packed); !row.done();) {
    auto [tensor, place] = next_tensor(row, widths[0]);
    if (how == Read::Everything) fill_values(tensor, place, values, reached);
    tensors.push_back(std::move(tensor));
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
    const std::string stored = read_scalars(trial.get(), record);
    if (h5::has_child(trial.get(), "warnings")) record.warnings = h5::read_texts(trial.get(), "warnings");
    record.tests = read_tests(trial.get());
    record.curve = read_curve(trial.get());
    record.tensors = read_tensors(trial.get(), how);
    if (content_sha256(record) != stored) {
      throw FileError("it is damaged: its content does not have the SHA-256 that was stored");
    }
    return record;
  } catch (const FileError& error) {
    throw FileError("trial " + id + ": " + error.what());
  }
}

}  // namespace peftgrid::checkpoint
