#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/packed.hpp"
#include "checkpoint/trial_tables.hpp"

namespace peftgrid::checkpoint {
namespace {

const TrialTable& table(const std::vector<TrialTable>& tables, std::string_view name) {
  const auto found = std::ranges::find(tables, name, &TrialTable::name);
  if (found == tables.end()) throw FileError(std::string(name) + " is missing");
  return *found;
}

/// Fills the scalars and gives the content's hash as it was stored.
std::string read_scalars(const TrialTable& table, TrialRecord& record) {
  Unpack row(table.packed);
  for (const IntegerField& field : kIntegerFields) record.*field.member = row.number<std::int64_t>();
  for (const RealField& field : kRealFields) record.*field.member = row.number<double>();
  std::string hash = row.text(kHashBytes);
  for (std::size_t i = 0; i < kTextFields.size(); ++i) record.*kTextFields[i].member = row.text(table.widths.at(i));
  return hash;
}

/// Labels and predictions of all test sets, one row after the other.
std::vector<std::array<double, 2>> read_predictions(const TrialTable& table) {
  const bool bytes = table.widths.at(0) == 1;
  std::vector<std::array<double, 2>> rows(table.rows.value_or(1));
  Unpack unpack(table.packed);
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

std::vector<TestResult> read_tests(const TrialTable& metrics, const TrialTable& all_predictions) {
  const std::vector<std::size_t>& widths = metrics.widths;
  const auto predictions = read_predictions(all_predictions);
  std::vector<TestResult> tests;
  std::int64_t reached = 0, first_of_test = 0;
  for (Unpack row(metrics.packed); !row.done();) {
    const std::string test = row.text(widths.at(0)), name = row.text(widths.at(1));
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

std::vector<CurvePoint> read_curve(const TrialTable& table) {
  std::vector<CurvePoint> curve;
  for (Unpack row(table.packed); !row.done();) {
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

/// Tensors lie one after the other, so no value is taken twice.
void check_place(const KeptTensor& tensor, Place place, const TrialTable& values, std::int64_t reached) {
  const auto held = static_cast<std::int64_t>(values.rows.value_or(1));
  if (place.count > 0 && (place.first != reached || place.count > held - reached)) {
    throw FileError("tensor " + tensor.name + " lies at the wrong place of tensor_values");
  }
}

void fill_values(KeptTensor& tensor, Place place, std::string_view values) {
  if (place.count == 0) return;
  tensor.values.resize(static_cast<std::size_t>(place.count));
  std::memcpy(tensor.values.data(), values.data() + place.first * static_cast<std::int64_t>(sizeof(float)),
              tensor.values.size() * sizeof(float));
  if (sha256_of_values(tensor.values) != tensor.sha256) {
    throw FileError("tensor " + tensor.name + " is damaged: its values do not have the SHA-256 that was stored");
  }
}

std::vector<KeptTensor> read_tensors(const std::vector<TrialTable>& tables, Read how) {
  const TrialTable& list = table(tables, "tensors");
  const TrialTable* values = how == Read::WithoutTensors ? nullptr : &table(tables, "tensor_values");
  std::vector<KeptTensor> tensors;
  std::int64_t reached = 0;
  for (Unpack row(list.packed); !row.done();) {
    auto [tensor, place] = next_tensor(row, list.widths.at(0));
    if (values != nullptr) {
      check_place(tensor, place, *values, reached);
      reached += place.count;
    }
    if (how == Read::Everything) fill_values(tensor, place, values->packed);
    tensors.push_back(std::move(tensor));
  }
  if (values != nullptr && reached != static_cast<std::int64_t>(values->rows.value_or(1))) {
    throw FileError("tensor_values holds values of no tensor");
  }
  return tensors;
}

std::vector<std::string> read_texts(const TrialTable& table) {
  std::vector<std::string> texts;
  for (Unpack row(table.packed); !row.done();) texts.push_back(row.text(table.widths.at(0)));
  return texts;
}

}  // namespace

TrialRecord record_of(const std::string& id, const std::vector<TrialTable>& tables, Read how) {
  TrialRecord record;
  record.id = id;
  const std::string stored = read_scalars(table(tables, "record"), record);
  for (const TrialTable& warnings : tables) {
    if (warnings.name == "warnings") record.warnings = read_texts(warnings);
  }
  record.tests = read_tests(table(tables, "metrics"), table(tables, "predictions"));
  record.curve = read_curve(table(tables, "curve"));
  record.tensors = read_tensors(tables, how);
  if (content_sha256(record) != stored) {
    throw FileError("it is damaged: its content does not have the SHA-256 that was stored");
  }
  return record;
}

}  // namespace peftgrid::checkpoint
