#include "checkpoint/trial_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

/// Class indices fit a byte; anything else is kept as it is.
void write_rows(hid_t group, const char* name, const std::vector<double>& values) {
  const bool classes = std::all_of(values.begin(), values.end(), [](double value) {
    return value >= 0 && value <= 255 && std::floor(value) == value && !std::signbit(value);
  });
  if (classes) {
    h5::write_bytes(group, name, std::vector<std::uint8_t>(values.begin(), values.end()));
  } else {
    h5::write_reals(group, name, values);
  }
}

void write_tests(hid_t trial, const std::vector<TestResult>& tests) {
  const h5::Group all = h5::create_group(trial, "tests");
  std::int64_t order = 0;
  for (const TestResult& test : tests) {
    if (!plain_name(test.name)) throw FileError("\"" + test.name + "\" cannot name a test set in a trial file");
    const h5::Group group = h5::create_group(all.get(), test.name);
    h5::write_attribute(group.get(), "order", order++);
    std::vector<std::string> names;
    std::vector<double> values;
    for (const auto& [name, value] : test.metrics) {
      names.push_back(name);
      values.push_back(value);
    }
    h5::write_texts(group.get(), "metric_names", names);
    h5::write_reals(group.get(), "metrics", values);
    write_rows(group.get(), "labels", test.labels);
    write_rows(group.get(), "predictions", test.predictions);
  }
}

void write_curve(hid_t trial, const std::vector<CurvePoint>& curve) {
  std::string packed;
  for (const CurvePoint& point : curve) {
    const CurveRow row{point.step, point.epoch, point.train_loss, point.selection_score};
    packed.append(reinterpret_cast<const char*>(&row), sizeof row);
  }
  h5::write_table(trial, "curve", curve_type(), curve.size(), packed);
}

TensorRow tensor_row(const KeptTensor& tensor, std::int64_t first) {
  TensorRow row{};
  std::int64_t product = 1;
  for (const std::int64_t size : tensor.shape) product *= size;
  const auto count = static_cast<std::int64_t>(tensor.values.size());
  if (tensor.shape.size() > kMostDimensions || tensor.sha256.size() != row.sha256.size() ||
      (count != 0 && product != count)) {
    throw FileError("tensor " + tensor.name + " cannot be kept: its shape, values and hash disagree");
  }
  std::copy(tensor.sha256.begin(), tensor.sha256.end(), row.sha256.begin());
  std::copy(tensor.shape.begin(), tensor.shape.end(), row.shape.begin());
  row.rank = static_cast<std::int64_t>(tensor.shape.size());
  row.first = first;
  row.count = count;
  return row;
}

void write_tensors(hid_t trial, const std::vector<KeptTensor>& tensors) {
  std::size_t name_bytes = 1;
  for (const KeptTensor& tensor : tensors) name_bytes = std::max(name_bytes, tensor.name.size());
  std::string packed;
  std::vector<float> values;
  for (const KeptTensor& tensor : tensors) {
    const TensorRow row = tensor_row(tensor, static_cast<std::int64_t>(values.size()));
    packed += tensor.name;
    packed.append(name_bytes - tensor.name.size(), '\0');
    packed.append(reinterpret_cast<const char*>(&row), sizeof row);
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  }
  h5::write_table(trial, "tensors", tensor_type(name_bytes), tensors.size(), packed);
  h5::write_floats(trial, "tensor_values", values);
}

}  // namespace

void write_trial_group(hid_t trials, const TrialRecord& record) {
  if (!plain_name(record.id)) throw FileError("\"" + record.id + "\" cannot be a trial's id");
  const h5::Group trial = h5::create_group(trials, record.id);
  h5::write_attribute(trial.get(), "state", record.state);
  for (const IntegerField& field : kIntegerFields) h5::write_attribute(trial.get(), field.name, record.*field.member);
  for (const RealField& field : kRealFields) h5::write_attribute(trial.get(), field.name, record.*field.member);
  h5::write_attribute(trial.get(), kContentAttribute, content_sha256(record));
  h5::write_text(trial.get(), "reason", record.reason);
  h5::write_text(trial.get(), "spec", record.spec);
  h5::write_text(trial.get(), "environment", record.environment);
  h5::write_texts(trial.get(), "warnings", record.warnings);
  write_tests(trial.get(), record.tests);
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
  const auto held = h5::lock();
  try {
    const h5::File open = h5::open_file(file);
    const h5::Group trials = open_trials(open.get());
    const std::vector<std::string> ids = h5::children(trials.get());
    if (ids.size() != 1) {
      throw FileError("it holds " + std::to_string(ids.size()) + " trials; a trial's own file holds one");
    }
    return read_trial_group(trials.get(), ids.front(), how);
  } catch (const FileError& error) {
    throw FileError(file.string() + ": " + error.what());
  }
}

TrialRecord read_trial(const std::filesystem::path& file, const std::string& id, Read how) {
  const auto held = h5::lock();
  try {
    const h5::File open = h5::open_file(file);
    return read_trial_group(open_trials(open.get()).get(), id, how);
  } catch (const FileError& error) {
    throw FileError(file.string() + ": " + error.what());
  }
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace peftgrid::checkpoint
