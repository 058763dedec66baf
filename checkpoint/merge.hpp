#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/trial_file.hpp"

namespace peftgrid::checkpoint {

/// Two unlike files with one id: neither is taken.
struct Conflict {
  std::string id;
  std::filesystem::path first, second;
};

struct Unreadable {
  std::filesystem::path file;
  std::string reason;
};

struct Collection {
  std::vector<TrialRecord> trials;           // sorted by id
  std::vector<std::filesystem::path> files;  // where each of them was found first
  std::vector<Conflict> conflicts;
  std::vector<Unreadable> unreadable;
};

/// Reads run folders (their trials/*.h5), single trial files and merged files into one list.
/// Equal trials (the same numbers) found twice count once. Throws FileError where a source does not exist or is neither
/// a folder nor a plain file; it may be a link to one, the files of trials/ may not.
Collection collect(const std::vector<std::filesystem::path>& sources, Read how);

/// Copies all trials of `sources` into one new file (groups by id), published in one step; its folder is made
/// where there is none. Returns what was left out. Throws FileError, also where `out` is there already: an earlier
/// merged file may be replaced when asked for, but never what is read here, a file of trials/ or anything else.
enum class Earlier { Keep, Replace };
Collection merge(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& out,
                 Earlier earlier = Earlier::Keep);

}  // namespace peftgrid::checkpoint
