#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/trial_file.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/journal.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run_folder.hpp"
#include "worker/errors.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

/// What was said of a file, without its name in front.
std::string said_of(const fs::path& file, const std::exception& error) {
  const std::string what = error.what(), place = file.string() + ": ";
  return what.starts_with(place) ? what.substr(place.size()) : what;
}

/// What is wrong with one trial file; empty when nothing is. Throws LayoutError.
std::string trouble_of(const fs::path& file) {
  try {
    const checkpoint::TrialRecord record = checkpoint::read_trial(file);
    if (record.id != file.stem()) return "it holds trial " + record.id + ", which is not its name";
    const worker::TrialSpec spec = worker::trial_from_json(record.spec);
    if (spec.id != record.id) return "its spec is that of trial " + spec.id;
    // An id covers the numerics version: a trial of another one keeps its own and cannot be recomputed here.
    const bool this_version =
        record.environment.find(fmt::format("\"numerics\":{}", worker::kNumericsVersion)) != record.environment.npos;
    if (this_version && worker::trial_id(spec) != record.id) return "its spec hashes to " + worker::trial_id(spec);
    return "";
  } catch (const checkpoint::LayoutError&) {
    throw;
  } catch (const std::runtime_error& error) {
    return said_of(file, error);
  }
}

struct Findings {
  std::size_t sound = 0;
  std::vector<std::pair<fs::path, std::string>> broken, other_layout;
  std::set<std::string> ids;        // of sound files
  std::vector<fs::path> leftovers;  // drafts of killed ranks

  void add(const fs::path& file) {
    try {
      const std::string trouble = trouble_of(file);
      if (trouble.empty()) {
        ++sound;
        ids.insert(file.stem());
      } else {
        broken.emplace_back(file, trouble);
      }
    } catch (const checkpoint::LayoutError& error) {
      other_layout.emplace_back(file, said_of(file, error));
    }
  }
};

Findings examine(const RunFolder& run) {
  std::vector<fs::path> files;
  for (const fs::path& folder : with_shards({run.root})) {
    for (const auto& entry : fs::directory_iterator(RunFolder{folder}.trials())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Findings found;
  for (const fs::path& file : files) {
    if (file.extension() == ".draft") found.leftovers.push_back(file);
    if (file.extension() == ".h5") found.add(file);
  }
  return found;
}

/// Trials that the current grid asks for and that are not there, failed ones among them.
std::size_t count_missing(const RunState& state, const Findings& found) {
  std::set<std::string> missing;
  for (const PlannedCell& cell : state.cells) {
    for (const std::string& id : cell.trials) {
      if (!found.ids.contains(id)) missing.insert(id);
    }
  }
  return missing.size();
}

/// What should be a plain file of the run and is none. A start would refuse it.
std::vector<std::string> odd_files(const RunFolder& run) {
  std::vector<std::string> odd;
  for (const fs::path& folder : with_shards({run.root})) {
    for (const fs::path& file : {RunFolder{folder}.owner(), RunFolder{folder}.journal()}) {
      if (const auto kind = checkpoint::not_plain(file)) odd.push_back(file.string() + ": is " + *kind);
    }
  }
  return odd;
}

int check(const RunFolder& run) {
  if (const auto odd = odd_files(run); !odd.empty()) {
    for (const std::string& file : odd) say("{}; a plain file would be right there: move it away\n", file);
    return 3;
  }
  const Findings found = examine(run);
  std::int64_t damaged = 0;
  for (const fs::path& folder : with_shards({run.root})) damaged += read_journal(RunFolder{folder}.journal()).damaged;
  const RunState state = read_run_state(run);
  say("{}: {} trial files are sound\n", run.root.string(), found.sound);
  for (const auto& [file, trouble] : found.broken) say("broken: {}: {}\n", file.string(), trouble);
  if (!found.broken.empty())
    say("delete {}; the same command then runs {} again\n", found.broken.size() == 1 ? "it" : "them",
        found.broken.size() == 1 ? "its trial" : "their trials");
  for (const auto& [file, why] : found.other_layout) say("of another version: {}: {}\n", file.string(), why);
  if (!found.other_layout.empty()) say("the program that wrote them reads them; nothing is wrong with them\n");
  if (damaged > 0) {
    say("journal: {} damaged lines; they cost history and time estimates, no result\n", damaged);
  }
  if (!found.leftovers.empty()) {
    say("{} drafts of ranks that were killed; they may be deleted while nothing runs\n", found.leftovers.size());
  }
  const std::size_t missing = count_missing(state, found);
  if (missing > 0) {
    say("{} of the current grid {} no sound file; {} failed before\n",
        missing == 1 ? "1 trial" : fmt::format("{} trials", missing), missing == 1 ? "has" : "have",
        state.failed.size());
  }
  return found.broken.empty() && found.other_layout.empty() && damaged == 0 ? 0 : 3;
}

}  // namespace

int check_command(const Arguments& arguments) {
  const std::string usage = "orchestrator check RUN";
  const auto parsed = parse_line(
      {usage.c_str(), "Verifies every file of a run folder and says what would be run again.", {}}, arguments);
  if (!parsed) return 0;
  if (parsed->paths.size() != 1) throw worker::UsageError("one run folder is to be checked; right is: " + usage);
  const RunFolder run{parsed->paths[0]};
  if (!fs::is_directory(run.trials())) {
    throw worker::UsageError(run.root.string() + " is not a run folder: it has no folder trials/");
  }
  return check(run);
}

}  // namespace peftgrid::orchestrator
