#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/h5.hpp"
#include "checkpoint/trial_tables.hpp"

/// Trial files without HDF5. HDF5 takes half a millisecond to build or to read one, most of it for what is the same in
/// each file of the same shape; those differ in the values, the trial's id and one checksum.
namespace peftgrid::checkpoint {

/// A file as HDF5 built it, and where each table's values are in it (none: it has no values).
struct BuiltFile {
  std::string bytes;
  std::vector<std::optional<std::uint64_t>> values_at;
};

/// What a trial's own file holds.
struct StoredTrial {
  std::string id;
  std::vector<TrialTable> tables;
};

/// What HDF5 gave for one trial, without the values and the id.
class Mould {
 public:
  /// None where the file is not laid out as expected, as that of a later HDF5 may be.
  static std::optional<Mould> cast(const BuiltFile& file, const StoredTrial& trial);

  /// The file of a trial of the same shape.
  std::string fill(const StoredTrial& trial) const;
  /// The trial of a file that has this shape; nothing where any byte but the values' is another.
  std::optional<StoredTrial> empty(std::string_view bytes) const;

 private:
  /// Bytes that differ from file to file.
  struct Slot {
    std::size_t at, size;
    std::size_t table;  // whose values; or kId, kChecksum
  };
  static constexpr std::size_t kId = static_cast<std::size_t>(-1), kChecksum = kId - 1;

  std::vector<TrialTable> shape_;                  // the tables without their values
  std::vector<Slot> slots_;                        // in the order of the file
  std::vector<std::string> pieces_;                // what lies before each slot, and after the last
  std::size_t header_begin_ = 0, header_end_ = 0;  // of the header that holds the id; its checksum follows
  std::size_t file_bytes_ = 0;
};

/// The moulds of a process, for files that are written and files that are read. A mould is trusted once it has given
/// what HDF5 gave for a second trial.
class Moulds {
 public:
  using Build = std::function<BuiltFile(const StoredTrial&)>;
  explicit Moulds(Build build) : build_(std::move(build)) {}

  /// The file of this trial.
  std::string bytes(const StoredTrial& trial);
  /// The trial in a file of a trusted mould; nothing of any other file.
  std::optional<StoredTrial> trial_in(std::string_view bytes) const;
  /// For trial_in, from what HDF5 read.
  void learn(const StoredTrial& trial);
  /// Not for ever: files may be all unlike, and what they teach costs more than reading them.
  bool learns() const;

 private:
  struct Known {
    std::string shape;           // what two trials must share to have the same mould
    std::string cast_from;       // an id
    std::optional<Mould> mould;  // none: HDF5 builds each file
    bool trusted = false;
  };
  Build build_;
  std::vector<Known> known_;  // the one used last comes last
  std::size_t learnt_ = 0;
};

/// This process's moulds, whose files HDF5 builds. The caller of these three holds h5::lock().
Moulds& trial_moulds();
/// The record in a small file of a trial, without HDF5; nothing where no mould is known for it or anything about it is
/// not as it should be, which is for HDF5 and record_of to tell.
std::optional<TrialRecord> read_by_mould(const std::filesystem::path& file, Links links, Read how);
/// So that files like this one, which holds that trial alone, are read by mould from now on.
void learn_mould(const std::filesystem::path& file, hid_t trials, const std::string& id);

}  // namespace peftgrid::checkpoint
