#include "checkpoint/trial_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/packed.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

/// Widths of texts in a table: at least 1, as HDF5 wants it.
std::size_t wider(std::size_t width, const std::string& text) {
  return std::max({std::size_t{1}, width, text.size()});
}

void write_scalars(hid_t trial, const TrialRecord& record) {
  TextWidths text_bytes{};
  Pack row;
  for (const IntegerField& field : kIntegerFields) row.number(record.*field.member);
  for (const RealField& field : kRealFields) row.number(record.*field.member);
  row.text(content_sha256(record), kHashBytes);
  for (std::size_t i = 0; i < kTextFields.size(); ++i) {
    const std::string& text = record.*kTextFields[i].member;
    text_bytes[i] = wider(0, text);
    row.text(text, text_bytes[i]);
  }
  h5::write_row(trial, "record", record_type(text_bytes), row.bytes());
}

void write_metrics(hid_t trial, const std::vector<TestResult>& tests) {
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
  h5::write_table(trial, "metrics", metric_type(test_bytes, name_bytes), rows, packed.bytes());
}

/// Class indices fit a byte; anything else is kept as it is.
bool fit_bytes(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= 0 && value <= 255 && std::floor(value) == value && !std::signbit(value);
  });
}

void write_predictions(hid_t trial, const std::vector<TestResult>& tests) {
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
  h5::write_table(trial, "predictions", prediction_type(bytes), rows, packed.bytes());
}

void write_curve(hid_t trial, const std::vector<CurvePoint>& curve) {
  Pack packed;
  for (const CurvePoint& point : curve) {
    packed.number(point.step);
    for (const double value : {point.epoch, point.train_loss, point.selection_score}) packed.number(value);
  }
  h5::write_table(trial, "curve", curve_type(), curve.size(), packed.bytes());
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

void write_tensors(hid_t trial, const std::vector<KeptTensor>& tensors) {
  std::size_t name_bytes = 1;
  for (const KeptTensor& tensor : tensors) name_bytes = wider(name_bytes, tensor.name);
  Pack packed;
  std::vector<float> values;
  for (const KeptTensor& tensor : tensors) {
    pack_tensor(packed, tensor, name_bytes, static_cast<std::int64_t>(values.size()));
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  }
  h5::write_table(trial, "tensors", tensor_type(name_bytes), tensors.size(), packed.bytes());
  h5::write_floats(trial, "tensor_values", values);
}

/// What `read` makes of a file's trials; its errors name the file.
template <typename Do>
TrialRecord reading(const std::filesystem::path& file, Do read) {
  const auto held = h5::lock();
  try {
    const h5::File open = h5::open_file(file);
    return read(open_trials(open.get()).get());
  } catch (const LayoutError& error) {
    throw LayoutError(file.string() + ": " + error.what());
  } catch (const FileError& error) {
    throw FileError(file.string() + ": " + error.what());
  }
}

}  // namespace

void write_trial_group(hid_t trials, const TrialRecord& record) {
  if (!plain_name(record.id)) throw FileError("\"" + record.id + "\" cannot be a trial's id");
  const h5::Group trial = h5::create_group(trials, record.id);
  write_scalars(trial.get(), record);
  if (!record.warnings.empty()) h5::write_texts(trial.get(), "warnings", record.warnings);
  write_metrics(trial.get(), record.tests);
  write_predictions(trial.get(), record.tests);
  write_curve(trial.get(), record.curve);
  write_tensors(trial.get(), record.tensors);
}

std::string sha256_of_values(const std::vector<float>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

void write_trial(const std::filesystem::path& draft, const TrialRecord& record) {
  const auto held = h5::lock();
  bool created = false;
  try {
    h5::File file = h5::create_file(draft);
    created = true;
    write_trial_group(create_trials(file.get()).get(), record);
    h5::close_file(std::move(file), draft);
  } catch (const FileError& error) {
    std::error_code ignored;
    if (created) std::filesystem::remove(draft, ignored);
    throw FileError("cannot write " + draft.string() + ": " + error.what());
  }
}

std::string trial_bytes(const TrialRecord& record) {
  const auto held = h5::lock();
  return h5::bytes_of_file([&](hid_t file) { write_trial_group(create_trials(file).get(), record); });
}

bool publish_trial(const std::filesystem::path& file, const TrialRecord& record) {
  std::size_t values = 0;
  for (const KeptTensor& tensor : record.tensors) values += tensor.values.size();
  if (values * sizeof(float) <= kInMemory) return publish_bytes(trial_bytes(record), file);
  const auto draft = draft_beside(file);
  write_trial(draft, record);
  return publish(draft, file);
}

TrialRecord read_trial(const std::filesystem::path& file, Read how) {
  return reading(file, [&](hid_t trials) {
    const std::vector<std::string> ids = h5::children(trials);
    if (ids.size() != 1) {
      throw FileError("it holds " + std::to_string(ids.size()) + " trials; a trial's own file holds one");
    }
    return read_trial_group(trials, ids.front(), how);
  });
}

TrialRecord read_trial(const std::filesystem::path& file, const std::string& id, Read how) {
  return reading(file, [&](hid_t trials) { return read_trial_group(trials, id, how); });
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace peftgrid::checkpoint
