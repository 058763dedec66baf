#include "checkpoint/merge.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
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

/// Of the merged file, not of one that is read.
struct WriteError : std::runtime_error {
  using runtime_error::runtime_error;
};

/// The merged file while it is written: trials in the order of their ids.
class MergedDraft {
 public:
  explicit MergedDraft(fs::path draft) : draft_(std::move(draft)) {
    writing([&] {
      out_ = h5::create_file(draft_);
      trials_ = create_trials(out_.get());
    });
  }
  MergedDraft(const MergedDraft&) = delete;
  MergedDraft& operator=(const MergedDraft&) = delete;
  ~MergedDraft() {
    std::error_code ignored;
    if (!finished_) fs::remove(draft_, ignored);
  }

  /// False where a later id was copied before: the order, and so the bytes, would be another.
  bool copy(hid_t from, const std::string& id) {
    if (id <= last_) return false;
    last_ = id;
    writing([&] { h5::copy_object(from, id, trials_.get()); });
    return true;
  }
  void finish() {
    trials_ = {};
    writing([&] { h5::close_file(std::move(out_), draft_); });
    finished_ = true;
  }

 private:
  template <typename Do>
  static void writing(Do act) {
    try {
      act();
    } catch (const FileError& error) {
      throw WriteError(error.what());
    }
  }

  fs::path draft_;
  h5::File out_;
  h5::Group trials_;
  std::string last_;
  bool finished_ = false;
};

/// One list out of many files: which record stands for an id, where it came from, and which ids are in conflict.
class Gathering {
 public:
  /// `taken` hears of each new trial while its file is open.
  explicit Gathering(std::function<void(hid_t trials, const std::string& id)> taken = {}) : taken_(std::move(taken)) {}

  bool disputed() const { return !disputed_.empty(); }

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
        if (taken_) taken_(trials, id);
        trials_.emplace(id, Found{std::move(record), file});
      } else if (!differences(earlier->second.record, record).empty()) {
        disputed_.insert(id);
        conflicts_.push_back({id, earlier->second.file, file});
      }
    } catch (const FileError& error) {
      unreadable_.push_back({file, error.what()});
    }
  }

  std::function<void(hid_t, const std::string&)> taken_;
  std::map<std::string, Found> trials_;
  std::set<std::string> disputed_;
  std::vector<Conflict> conflicts_;
  std::vector<Unreadable> unreadable_;
};

void gather(Gathering& into, const std::vector<fs::path>& sources, Read how) {
  for (const fs::path& source : sources) {
    for (const fs::path& file : files_of(source)) into.add_file(file, how);
  }
}

void copy_trials(const std::map<std::string, fs::path>& places, MergedDraft& draft) {
  fs::path opened;
  h5::File file;
  for (const auto& [id, place] : places) {
    // Neighbouring ids of a merged file lie in one file: it is opened once for each run of them.
    if (place != opened) {
      file = h5::open_file(place);
      opened = place;
    }
    draft.copy(open_trials(file.get()).get(), id);
  }
}

/// Trials are copied as they are read, each file opened once, for as long as they come in the order of their ids, as
/// those of one folder do. Where they do not, or where some turn out to be in conflict, all are copied anew.
Collection merge_into(const std::vector<fs::path>& sources, const fs::path& draft) {
  std::optional<MergedDraft> straight(draft);
  Gathering all([&](hid_t trials, const std::string& id) {
    if (straight && !straight->copy(trials, id)) straight.reset();
  });
  gather(all, sources, Read::WithoutTensors);
  if (all.disputed()) straight.reset();
  if (!straight) copy_trials(all.places(), straight.emplace(draft));
  straight->finish();
  return all.take();
}

}  // namespace

Collection collect(const std::vector<fs::path>& sources, Read how) {
  const auto held = h5::lock();
  Gathering all;
  gather(all, sources, how);
  return all.take();
}

Collection merge(const std::vector<fs::path>& sources, const fs::path& out) {
  const auto held = h5::lock();
  const fs::path draft = draft_beside(out);
  try {
    Collection merged = merge_into(sources, draft);
    publish_replacing(draft, out);
    return merged;
  } catch (const WriteError& error) {
    throw FileError("cannot write " + out.string() + ": " + error.what());
  }
}

}  // namespace peftgrid::checkpoint
