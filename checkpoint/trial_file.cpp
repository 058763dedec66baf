#include "checkpoint/trial_file.hpp"

#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_layout.hpp"
#include "checkpoint/trial_tables.hpp"

namespace peftgrid::checkpoint {
namespace {

/// What `read` makes of a file's trials; its errors name the file. The caller holds h5::lock().
template <typename Do>
TrialRecord reading(const std::filesystem::path& file, Links links, Do read) {
  try {
    const h5::File open = h5::open_file(file, links);
    return read(open_trials(open.get()).get());
  } catch (const UnreadError& error) {
    throw UnreadError(error.why(), file.string() + ": " + error.what());
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
    write_tables(create_trials(file.get()).get(), record.id, tables_of(record));
    h5::close_file(std::move(file), draft);
  } catch (const FileError& error) {
    std::error_code ignored;
    if (created) std::filesystem::remove(draft, ignored);
    throw FileError("cannot write " + draft.string() + ": " + error.what());
  }
}

bool is_logits(const KeptTensor& tensor) {
  return tensor.name.starts_with(kLogitsPrefix);
}

std::string trial_bytes(const TrialRecord& record) {
  const auto held = h5::lock();
  const std::vector<TrialTable> tables = tables_of(record);
  return h5::bytes_of_file([&](hid_t file) { write_tables(create_trials(file).get(), record.id, tables); });
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
  return reading(file, Links::Refuse, [&](hid_t trials) {
    const std::vector<std::string> ids = h5::children(trials);
    if (ids.size() != 1) {
      throw FileError("it holds " + std::to_string(ids.size()) + " trials; a trial's own file holds one");
    }
    return read_trial_group(trials, ids.front(), how);
  });
}

TrialRecord read_trial(const std::filesystem::path& file, const std::string& id, Read how) {
  const auto held = h5::lock();
  return reading(file, Links::Follow, [&](hid_t trials) { return read_trial_group(trials, id, how); });
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace peftgrid::checkpoint
