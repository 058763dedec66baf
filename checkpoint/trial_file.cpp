#include "checkpoint/trial_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/packed.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_layout.hpp"
#include "checkpoint/trial_mould.hpp"

namespace peftgrid::checkpoint {
namespace {

/// Widths of texts in a table: at least 1, as HDF5 wants it.
std::size_t wider(std::size_t width, const std::string& text) {
  return std::max({std::size_t{1}, width, text.size()});
}

TableToWrite scalars(const TrialRecord& record) {
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
  return {"record", {text_bytes.begin(), text_bytes.end()}, [=] { return record_type(text_bytes); }, {}, row.bytes()};
}

TableToWrite metrics(const std::vector<TestResult>& tests) {
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
  const auto type = [=] { return metric_type(test_bytes, name_bytes); };
  return {"metrics", {test_bytes, name_bytes}, type, rows, packed.bytes()};
}

/// Class indices fit a byte; anything else is kept as it is.
bool fit_bytes(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= 0 && value <= 255 && std::floor(value) == value && !std::signbit(value);
  });
}

TableToWrite predictions(const std::vector<TestResult>& tests) {
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
  return {"predictions", {bytes ? 1U : 8U}, [=] { return prediction_type(bytes); }, rows, packed.bytes()};
}

TableToWrite points_of(const std::vector<CurvePoint>& curve) {
  Pack packed;
  for (const CurvePoint& point : curve) {
    packed.number(point.step);
    for (const double value : {point.epoch, point.train_loss, point.selection_score}) packed.number(value);
  }
  return {"curve", {}, curve_type, curve.size(), packed.bytes()};
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

TableToWrite tensor_list(const std::vector<KeptTensor>& tensors) {
  std::size_t name_bytes = 1;
  for (const KeptTensor& tensor : tensors) name_bytes = wider(name_bytes, tensor.name);
  Pack packed;
  std::int64_t first = 0;
  for (const KeptTensor& tensor : tensors) {
    pack_tensor(packed, tensor, name_bytes, first);
    first += static_cast<std::int64_t>(tensor.values.size());
  }
  return {"tensors", {name_bytes}, [=] { return tensor_type(name_bytes); }, tensors.size(), packed.bytes()};
}

TableToWrite tensor_values(const std::vector<KeptTensor>& tensors) {
  std::string packed;
  for (const KeptTensor& tensor : tensors) {
    packed.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
  }
  const std::size_t count = packed.size() / sizeof(float);
  return {"tensor_values", {}, h5::float_type, count, std::move(packed)};
}

TableToWrite texts(const std::string& name, const std::vector<std::string>& all) {
  std::size_t bytes = 1;
  for (const std::string& text : all) bytes = wider(bytes, text);
  Pack packed;
  for (const std::string& text : all) packed.text(text, bytes);
  return {name, {bytes}, [=] { return h5::text_type(bytes); }, all.size(), packed.bytes()};
}

/// Everything of a record but its id, in the order in which it is written.
std::vector<TableToWrite> tables_of(const TrialRecord& record) {
  if (!plain_name(record.id)) throw FileError("\"" + record.id + "\" cannot be a trial's id");
  std::vector<TableToWrite> tables{scalars(record)};
  if (!record.warnings.empty()) tables.push_back(texts("warnings", record.warnings));
  tables.push_back(metrics(record.tests));
  tables.push_back(predictions(record.tests));
  tables.push_back(points_of(record.curve));
  tables.push_back(tensor_list(record.tensors));
  tables.push_back(tensor_values(record.tensors));
  return tables;
}

/// Into a new file. Returns where each table's values are.
std::vector<std::optional<std::uint64_t>> write_tables(hid_t file, const std::string& id,
                                                       const std::vector<TableToWrite>& tables) {
  const h5::Group trial = h5::create_group(create_trials(file).get(), id);
  std::vector<std::optional<std::uint64_t>> values_at;
  for (const TableToWrite& table : tables) {
    values_at.push_back(h5::write_table(trial.get(), table.name, table.type(), table.rows, table.packed));
  }
  return values_at;
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

std::string sha256_of_values(const std::vector<float>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

void write_trial(const std::filesystem::path& draft, const TrialRecord& record) {
  const auto held = h5::lock();
  bool created = false;
  try {
    h5::File file = h5::create_file(draft);
    created = true;
    write_tables(file.get(), record.id, tables_of(record));
    h5::close_file(std::move(file), draft);
  } catch (const FileError& error) {
    std::error_code ignored;
    if (created) std::filesystem::remove(draft, ignored);
    throw FileError("cannot write " + draft.string() + ": " + error.what());
  }
}

std::string trial_bytes(const TrialRecord& record) {
  const auto held = h5::lock();
  static Moulds moulds;
  const std::vector<TableToWrite> tables = tables_of(record);
  return moulds.bytes(record.id, tables, [&] {
    BuiltFile built;
    built.bytes = h5::bytes_of_file([&](hid_t file) { built.values_at = write_tables(file, record.id, tables); });
    return built;
  });
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
