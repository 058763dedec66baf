#include "checkpoint/merge.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/merge_target.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/same_numbers.hpp"
#include "checkpoint/trial_layout.hpp"
#include "checkpoint/trial_reader.hpp"

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

/// 0 where it cannot be read: its reader says why.
std::size_t trials_in(const fs::path& file) {
  try {
    const h5::File open = h5::open_file(file, Links::Follow);
    return h5::children(open_trials(open.get()).get()).size();
  } catch (const FileError&) {
    return 0;
  }
}

std::vector<fs::path> files_of(const fs::path& source) {
  if (const auto kind = not_plain(source, Links::Follow); kind && !fs::is_directory(source)) {
    throw FileError(source.string() + ": is " + *kind + "; a run folder, a trial file or a merged file is wanted");
  }
  if (not_plain(source) && !fs::exists(source)) {
    throw FileError(source.string() + ": is a symbolic link that leads nowhere");
  }
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
    throw FileError(error.path1().string() + ": " + error.code().message());
  }
  throw FileError("there is no " + source.string() + "; a run folder, a trial file or a merged file is wanted");
}

/// The parts to read of the sources. A trial's own file is one part; a file that is named itself may hold thousands.
std::vector<Part> parts_of(const std::vector<fs::path>& sources) {
  constexpr std::size_t kTrials = 32;
  std::vector<Part> parts;
  for (const fs::path& source : sources) {
    for (fs::path& file : files_of(source)) {
      std::size_t held = 0;
      const Links links = file.parent_path() == source / "trials" ? Links::Refuse : Links::Follow;
      if (file == source) held = trials_in(file);
      if (held <= kTrials) {
        parts.push_back({std::move(file), 0, Part::kAll, links});
        continue;
      }
      for (std::size_t first = 0; first < held; first += kTrials) parts.push_back({file, first, kTrials, links});
    }
  }
  return parts;
}

/// Is the file of HDF5 1.8's format or a later one, as ours are? The metadata of earlier ones, which h5repack and h5py
/// write, has no checksums, and H5Ocopy follows whatever damage leads to.
bool has_checksums(const fs::path& file) {
  constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  std::array<char, 9> begin{};  // the version comes next
  const OpenFile opened = open_plain(file, O_RDONLY, Links::Follow);
  return ::pread(opened.get(), begin.data(), begin.size(), 0) == static_cast<ssize_t>(begin.size()) &&
         std::string_view(begin.data(), kSignature.size()) == kSignature && begin.back() >= 2;
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
  bool copy(const fs::path& from, const std::string& id) {
    if (id <= last_) return false;
    last_ = id;
    if (from != opened_) open(from);
    if (checksummed_) {
      writing([&] { h5::copy_group(source_trials_.get(), id, trials_.get()); });
    } else {
      const std::vector<TrialTable> tables = read_tables(source_trials_.get(), id, Read::Everything);
      writing([&] { write_tables(trials_.get(), id, tables); });
    }
    if (h5::bytes_of(out_.get()) > kMostTimes * source_bytes_ + kAnyBytes) {
      throw FileError(from.string() + ": its trials lie one over the other and would fill the disk");
    }
    return true;
  }
  void finish() {
    trials_ = {};
    writing([&] { h5::close_file(std::move(out_), draft_); });
    finished_ = true;
  }

 private:
  /// The file was there when its trials were read.
  void open(const fs::path& from) try {
    source_trials_ = {};
    source_ = h5::open_file(from, Links::Follow);
    source_trials_ = open_trials(source_.get());
    opened_ = from;
    checksummed_ = has_checksums(from);
    if (counted_.insert(from).second) source_bytes_ += h5::bytes_of(source_.get());
  } catch (const FileError& error) {
    throw FileError(from.string() + ": " + error.what());
  }
  template <typename Do>
  static void writing(Do act) {
    try {
      act();
    } catch (const FileError& error) {
      throw WriteError(error.what());
    }
  }

  /// What is copied is no larger than what it is copied from, but for what HDF5 leaves free between objects.
  static constexpr std::uint64_t kMostTimes = 2, kAnyBytes = std::uint64_t{1} << 20U;

  fs::path draft_, opened_;
  std::set<fs::path> counted_;
  std::uint64_t source_bytes_ = 0;
  h5::File out_, source_;
  h5::Group trials_, source_trials_;
  std::string last_;
  bool checksummed_ = false;
  bool finished_ = false;
};

/// One list out of many files: which record stands for an id, where it came from, and which ids are in conflict.
class Gathering {
 public:
  /// True where the trial is new.
  bool add(const fs::path& file, TrialRecord record) {
    const std::string id = record.id;
    const auto earlier = trials_.find(id);
    if (earlier == trials_.end()) {
      trials_.emplace(id, Found{std::move(record), file});
      return true;
    }
    if (!differences(earlier->second.record, record).empty()) {
      disputed_.insert(id);
      conflicts_.push_back({id, earlier->second.file, file});
    }
    return false;
  }
  void leave_out(const fs::path& file, std::string reason) { unreadable_.push_back({file, std::move(reason)}); }

  bool disputed() const { return !disputed_.empty(); }

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

  std::map<std::string, Found> trials_;
  std::set<std::string> disputed_;
  std::vector<Conflict> conflicts_;
  std::vector<Unreadable> unreadable_;
};

/// `taken` hears of each new trial, and in which file it is.
Gathering gather(TrialReader& reader, const std::function<void(const fs::path&, const std::string&)>& taken) {
  Gathering all;
  while (auto read = reader.next()) {
    for (TrialRecord& record : read->trials) {
      const std::string id = record.id;
      if (all.add(read->file, std::move(record))) taken(read->file, id);
    }
    for (std::string& reason : read->unreadable) all.leave_out(read->file, std::move(reason));
  }
  return all;
}

/// Trials are copied while others are read, for as long as they come in the order of their ids, as those of one folder
/// do. Where they do not, or where some turn out to be in conflict, all are copied anew.
Collection merge_into(std::vector<Part> parts, const fs::path& draft) {
  TrialReader reader(std::move(parts), Read::ToCopy);
  std::optional<MergedDraft> straight(draft);
  Gathering all = gather(reader, [&](const fs::path& file, const std::string& id) {
    if (straight && !straight->copy(file, id)) straight.reset();
  });
  if (all.disputed()) straight.reset();
  if (!straight) {
    straight.emplace(draft);
    for (const auto& [id, file] : all.places()) straight->copy(file, id);
  }
  straight->finish();
  return all.take();
}

}  // namespace

Collection collect(const std::vector<fs::path>& sources, Read how) {
  const auto held = h5::lock();
  TrialReader reader(parts_of(sources), how);
  return gather(reader, [](const fs::path&, const std::string&) {}).take();
}

Collection merge(const std::vector<fs::path>& sources, const fs::path& out, Earlier earlier) {
  const auto held = h5::lock();
  std::vector<Part> parts = parts_of(sources);
  expect_target(out, earlier, parts);
  const fs::path draft = draft_beside(out);
  std::error_code made;
  if (out.has_parent_path()) fs::create_directories(out.parent_path(), made);
  if (made) throw FileError("cannot make the folder of " + out.string() + ": " + made.message());
  try {
    Collection merged = merge_into(std::move(parts), draft);
    if (earlier == Earlier::Replace) {
      publish_replacing(draft, out);
    } else if (!publish(draft, out)) {
      throw FileError(out.string() + ": came into being meanwhile; name another file");
    }
    return merged;
  } catch (const WriteError& error) {
    throw FileError("cannot write " + out.string() + ": " + error.what());
  }
}

}  // namespace peftgrid::checkpoint
