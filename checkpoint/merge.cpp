#include "checkpoint/merge.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/same_numbers.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

/// The trial files of a folder, by name. Drafts begin with a dot.
std::vector<fs::path> trial_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& file = entry.path();
    if (file.extension() == ".h5" && file.filename().string().front() != '.') files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> files_of(const fs::path& source) {
  try {
    if (fs::is_directory(source / "trials")) return trial_files(source / "trials");
    if (fs::is_directory(source)) {
      auto files = trial_files(source);
      if (files.empty()) {
        throw FileError(source.string() + " is neither a run folder (it has no trials/) nor a folder of trial files");
      }
      return files;
    }
    if (fs::exists(source)) return {source};
  } catch (const fs::filesystem_error& error) {
    throw FileError(error.what());
  }
  throw FileError("there is no " + source.string() + "; a run folder, a trial file or a merged file is wanted");
}

/// One list out of many files: which record stands for an id, where it came from, and which ids are in conflict.
class Gathering {
 public:
  void add_file(const fs::path& file, Read how) {
    try {
      const h5::File open = h5::open_file(file);
      const h5::Group trials = open_trials(open.get());
      for (const std::string& id : h5::children(trials.get())) add_trial(file, trials.get(), id, how);
    } catch (const FileError& error) {
      unreadable_.push_back({file, error.what()});
    }
  }

  Collection take() {
    Collection all;
    for (auto& [id, found] : trials_) {
      if (disputed_.contains(id)) continue;
      all.trials.push_back(std::move(found.record));
      all.files.push_back(found.file);
    }
    all.conflicts = std::move(conflicts_);
    all.unreadable = std::move(unreadable_);
    return all;
  }

  /// The ids that stand, sorted, with the file of each.
  std::map<std::string, fs::path> places() const {
    std::map<std::string, fs::path> places;
    for (const auto& [id, found] : trials_) {
      if (!disputed_.contains(id)) places.emplace(id, found.file);
    }
    return places;
  }

 private:
  struct Found {
    TrialRecord record;
    fs::path file;
  };

  void add_trial(const fs::path& file, hid_t trials, const std::string& id, Read how) {
    try {
      TrialRecord record = read_trial_group(trials, id, how);
      const auto earlier = trials_.find(id);
      if (earlier == trials_.end()) {
        trials_.emplace(id, Found{std::move(record), file});
      } else if (!differences(earlier->second.record, record).empty()) {
        disputed_.insert(id);
        conflicts_.push_back({id, earlier->second.file, file});
      }
    } catch (const FileError& error) {
      unreadable_.push_back({file, error.what()});
    }
  }

  std::map<std::string, Found> trials_;
  std::set<std::string> disputed_;
  std::vector<Conflict> conflicts_;
  std::vector<Unreadable> unreadable_;
};

Gathering gather(const std::vector<fs::path>& sources, Read how) {
  Gathering all;
  for (const fs::path& source : sources) {
    for (const fs::path& file : files_of(source)) all.add_file(file, how);
  }
  return all;
}

void copy_trials(const std::map<std::string, fs::path>& places, const fs::path& draft) {
  h5::File out = h5::create_file(draft);
  {
    const h5::Group to = create_trials(out.get());
    fs::path opened;
    h5::File file;
    for (const auto& [id, place] : places) {
      // Neighbouring ids of a merged file lie in one file: it is opened once for each run of them.
      if (place != opened) {
        file = h5::open_file(place);
        opened = place;
      }
      h5::copy_object(open_trials(file.get()).get(), id, to.get());
    }
  }
  h5::close_file(std::move(out), draft);
}

}  // namespace

Collection collect(const std::vector<fs::path>& sources, Read how) {
  const auto held = h5::lock();
  return gather(sources, how).take();
}

Collection merge(const std::vector<fs::path>& sources, const fs::path& out) {
  const auto held = h5::lock();
  Gathering all = gather(sources, Read::WithoutTensors);
  const fs::path draft = draft_beside(out);
  try {
    copy_trials(all.places(), draft);
  } catch (const FileError& error) {
    std::error_code ignored;
    fs::remove(draft, ignored);
    throw FileError("cannot write " + out.string() + ": " + error.what());
  }
  publish_replacing(draft, out);
  return all.take();
}

}  // namespace peftgrid::checkpoint
