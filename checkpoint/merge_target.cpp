#include "checkpoint/merge_target.hpp"

#include <system_error>

#include "checkpoint/errors.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;

/// A trial's own file is of the same layout as a merged one, and is told by its name.
void expect_merged_file(const fs::path& out) {
  std::vector<std::string> ids;
  try {
    const h5::File open = h5::open_file(out, Links::Refuse);
    ids = h5::children(open_trials(open.get()).get());
  } catch (const UnreadError& error) {
    throw FileError(out.string() + ": " + error.what());
  } catch (const FileError& error) {
    throw FileError(out.string() + ": is there and no merged file of this program (" + error.what() +
                    "); it is not replaced, name another file");
  }
  if (ids.size() == 1 && ids.front() == out.stem()) {
    throw FileError(out.string() + ": is a trial's own file; it is not replaced, name another file");
  }
}

void expect_no_source(const fs::path& out, const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    std::error_code gone;
    if (part.first == 0 && fs::equivalent(out, part.file, gone)) {
      throw FileError(out.string() + ": is among the files to be merged; name another file");
    }
  }
}

}  // namespace

void expect_target(const fs::path& out, Earlier earlier, const std::vector<Part>& parts) {
  std::error_code unknown;
  if (fs::weakly_canonical(fs::absolute(out), unknown).parent_path().filename() == "trials") {
    throw FileError(out.string() + ": lies among the trial files of a run; name a file outside trials/");
  }
  if (!is_there(out)) return;
  expect_no_source(out, parts);
  expect_merged_file(out);
  if (earlier == Earlier::Keep) {
    throw FileError(out.string() + ": there is a merged file already; --overwrite replaces it");
  }
}

}  // namespace peftgrid::checkpoint
