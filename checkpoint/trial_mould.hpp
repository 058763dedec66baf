#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/h5.hpp"

/// Trial files without HDF5. HDF5 takes half a millisecond to build one, most of it for what is the same in each file
/// of the same shape; those differ in the values, the trial's id and one checksum.
namespace peftgrid::checkpoint {

/// A dataset of a trial's group.
struct TableToWrite {
  std::string name;
  std::vector<std::size_t> widths;  // all that the type depends on
  std::function<h5::Type()> type;
  std::optional<std::size_t> rows;  // none: one row without a dimension
  std::string packed;
};

/// A file as HDF5 built it, and where each table's values are in it (none: it has no values).
struct BuiltFile {
  std::string bytes;
  std::vector<std::optional<std::uint64_t>> values_at;
};

/// What HDF5 gave for one record, to be filled with others of the same shape.
class Mould {
 public:
  /// None where the file is not laid out as expected, as that of a later HDF5 may be.
  static std::optional<Mould> cast(BuiltFile file, const std::string& id, const std::vector<TableToWrite>& tables);
  std::string fill(const std::string& id, const std::vector<TableToWrite>& tables) const;

 private:
  BuiltFile file_;
  std::size_t id_at_ = 0;
  std::size_t header_begin_ = 0, header_end_ = 0;  // of the header that holds the id; its checksum follows
};

/// Moulds of this process. One is trusted once it has given what HDF5 gave.
class Moulds {
 public:
  /// The file of these tables; `build` has HDF5 make it. The caller holds h5::lock().
  std::string bytes(const std::string& id, const std::vector<TableToWrite>& tables,
                    const std::function<BuiltFile()>& build);

 private:
  struct Known {
    std::string shape;           // what two records must share to have the same mould
    std::optional<Mould> mould;  // none: HDF5 builds each file
    bool trusted = false;
  };
  std::vector<Known> known_;  // the one used last comes last
};

}  // namespace peftgrid::checkpoint
