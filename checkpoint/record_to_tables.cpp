#include <algorithm>
#include <cmath>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/packed.hpp"
#include "checkpoint/trial_tables.hpp"

namespace peftgrid::checkpoint {
namespace {

/// Widths of texts in a table: at least 1, as HDF5 wants it.
std::size_t wider(std::size_t width, const std::string& text) {
  return std::max({std::size_t{1}, width, text.size()});
}

TrialTable scalars(const TrialRecord& record) {
  std::vector<std::size_t> text_bytes;
  Pack row;
  for (const IntegerField& field : kIntegerFields) row.number(record.*field.member);
  for (const RealField& field : kRealFields) row.number(record.*field.member);
  row.text(content_sha256(record), kHashBytes);
  for (const TextField& field : kTextFields) {
    const std::string& text = record.*field.member;
    text_bytes.push_back(wider(0, text));
    row.text(text, text_bytes.back());
  }
  return {"record", std::move(text_bytes), {}, row.bytes()};
}

TrialTable metrics(const std::vector<TestResult>& tests) {
  std::size_t test_bytes = 1, name_bytes = 1, rows = 0;
  for (const TestResult& test : tests) {
    if (!plain_name(test.name)) throw FileError("\"" + test.name + "\" cannot name a test set in a trial file");
    if (test.metrics.empty()) throw FileError("test set " + test.name + " has no metric");
    test_bytes = wider(test_bytes, test.name);
    for (const auto& [name, value] : test.metrics) name_bytes = wider(name_bytes, name);
    rows += test.metrics.size();
  }
  Pack packed;
  std::int64_t first = 0;
  for (const TestResult& test : tests) {
    const auto count = static_cast<std::int64_t>(test.labels.size());
    for (const auto& [name, value] : test.metrics) {
      packed.text(test.name, test_bytes);
      packed.text(name, name_bytes);
      packed.number(value);
      packed.number(first);
      packed.number(count);
    }
    first += count;
  }
  return {"metrics", {test_bytes, name_bytes}, rows, packed.bytes()};
}

/// Class indices fit a byte; anything else is kept as it is.
bool fit_bytes(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= 0 && value <= 255 && std::floor(value) == value && !std::signbit(value);
  });
}

TrialTable predictions(const std::vector<TestResult>& tests) {
  const bool bytes = std::all_of(tests.begin(), tests.end(), [](const TestResult& test) {
    return fit_bytes(test.labels) && fit_bytes(test.predictions);
  });
  Pack packed;
  std::size_t rows = 0;
  for (const TestResult& test : tests) {
    if (test.labels.size() != test.predictions.size())
      throw FileError("test set " + test.name + " has not one label a prediction");
    rows += test.labels.size();
    for (std::size_t i = 0; i < test.labels.size(); ++i) {
      for (const double value : {test.labels[i], test.predictions[i]}) {
        bytes ? packed.number(static_cast<std::uint8_t>(value)) : packed.number(value);
      }
    }
  }
  return {"predictions", {bytes ? 1U : 8U}, rows, packed.bytes()};
}

TrialTable points_of(const std::vector<CurvePoint>& curve) {
  Pack packed;
  for (const CurvePoint& point : curve) {
    packed.number(point.step);
    for (const double value : {point.epoch, point.train_loss, point.selection_score}) packed.number(value);
  }
  return {"curve", {}, curve.size(), packed.bytes()};
}

void pack_tensor(Pack& packed, const KeptTensor& tensor, std::size_t name_bytes, std::int64_t first) {
  std::int64_t product = 1;
  for (const std::int64_t size : tensor.shape) product *= size;
  const auto count = static_cast<std::int64_t>(tensor.values.size());
  if (tensor.shape.size() > kMostDimensions || tensor.sha256.size() != kHashBytes || (count != 0 && product != count)) {
    throw FileError("tensor " + tensor.name + " cannot be kept: its shape, values and hash disagree");
  }
  packed.text(tensor.name, name_bytes);
  packed.text(tensor.sha256, kHashBytes);
  packed.number(static_cast<std::int64_t>(tensor.shape.size()));
  for (std::size_t i = 0; i < kMostDimensions; ++i) {
    packed.number(i < tensor.shape.size() ? tensor.shape[i] : std::int64_t{0});
  }
  packed.number(first);
  packed.number(count);
}

TrialTable tensor_list(const std::vector<KeptTensor>& tensors) {
  std::size_t name_bytes = 1;
  for (const KeptTensor& tensor : tensors) name_bytes = wider(name_bytes, tensor.name);
  Pack packed;
  std::int64_t first = 0;
  for (const KeptTensor& tensor : tensors) {
    pack_tensor(packed, tensor, name_bytes, first);
    first += static_cast<std::int64_t>(tensor.values.size());
  }
  return {"tensors", {name_bytes}, tensors.size(), packed.bytes()};
}

TrialTable tensor_values(const std::vector<KeptTensor>& tensors) {
  std::string packed;
  for (const KeptTensor& tensor : tensors) {
    packed.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
  }
  const std::size_t count = packed.size() / sizeof(float);
  return {"tensor_values", {}, count, std::move(packed)};
}

TrialTable texts(const std::string& name, const std::vector<std::string>& all) {
  std::size_t bytes = 1;
  for (const std::string& text : all) bytes = wider(bytes, text);
  Pack packed;
  for (const std::string& text : all) packed.text(text, bytes);
  return {name, {bytes}, all.size(), packed.bytes()};
}

}  // namespace

std::vector<TrialTable> tables_of(const TrialRecord& record) {
  if (!plain_name(record.id)) throw FileError("\"" + record.id + "\" cannot be a trial's id");
  std::vector<TrialTable> tables{scalars(record)};
  if (!record.warnings.empty()) tables.push_back(texts("warnings", record.warnings));
  tables.push_back(metrics(record.tests));
  tables.push_back(predictions(record.tests));
  tables.push_back(points_of(record.curve));
  tables.push_back(tensor_list(record.tensors));
  tables.push_back(tensor_values(record.tensors));
  return tables;
}

}  // namespace peftgrid::checkpoint
