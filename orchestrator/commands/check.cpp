#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/trial_file.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;
using worker::shown;

/// What was said of a file, without its name in front.
std::string said_of(const fs::path& file, const std::exception& error) {
  const std::string what = error.what(), place = file.string() + ": ";
  return what.starts_with(place) ? what.substr(place.size()) : what;
}

/// What becomes of a trial file that is not sound: the word for it, and what is right to do.
struct Kind {
  std::string_view word, one, several;
};
constexpr Kind kTorn{"torn", "delete it; the same command then runs its trial again",
                     "delete them; the same command then runs their trials again"};
constexpr Kind kMisnamed{"misnamed", "it counts for no trial; move it away, or give it its trial's name",
                         "they count for no trial; move them away, or give them their trials' names"};
constexpr Kind kMissing{"missing", "it was there a moment ago; check again",
                        "they were there a moment ago; check again"};
constexpr Kind kLocked{"locked", "who writes it must be done or gone before it is read",
                       "who writes them must be done or gone before they are read"};
constexpr Kind kUnreadable{"unreadable", "nothing is known of what it holds; make it readable and check again",
                           "nothing is known of what they hold; make them readable and check again"};
constexpr Kind kNoPlainFile{"no plain file", "move it away; the same command then runs its trial",
                            "move them away; the same command then runs their trials"};
constexpr Kind kOtherVersion{"of another version", "the program that wrote it reads it; nothing is wrong with it",
                             "the program that wrote them reads them; nothing is wrong with them"};
constexpr std::array kKinds{&kTorn, &kMisnamed, &kMissing, &kLocked, &kUnreadable, &kNoPlainFile, &kOtherVersion};

const Kind& kind_of(checkpoint::UnreadError::Why why) {
  using Why = checkpoint::UnreadError::Why;
  switch (why) {
    case Why::Missing:
      return kMissing;
    case Why::Locked:
      return kLocked;
    case Why::NoPlainFile:
      return kNoPlainFile;
    case Why::Unreadable:
      break;
  }
  return kUnreadable;
}

/// Why a whole file is not the trial that its name says; empty when it is.
std::string misnaming_of(const fs::path& file, const checkpoint::TrialRecord& record) {
  if (record.id != file.stem()) return "it holds trial " + record.id + ", which is not its name";
  try {
    const worker::TrialSpec spec = worker::trial_from_json(record.spec);
    if (spec.id != record.id) return "its spec is that of trial " + spec.id;
    // An id covers the numerics version: a trial of another one keeps its own and cannot be recomputed here.
    const bool this_version =
        record.environment.find(fmt::format("\"numerics\":{}", worker::kNumericsVersion)) != record.environment.npos;
    if (this_version && worker::trial_id(spec) != record.id) return "its spec hashes to " + worker::trial_id(spec);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

struct Trouble {
  const Kind* kind;
  std::string why;
};

std::optional<Trouble> trouble_of(const fs::path& file) {
  try {
    const std::string misnaming = misnaming_of(file, checkpoint::read_trial(file));
    if (misnaming.empty()) return std::nullopt;
    return Trouble{&kMisnamed, misnaming};
  } catch (const checkpoint::UnreadError& error) {
    return Trouble{&kind_of(error.why()), said_of(file, error)};
  } catch (const checkpoint::LayoutError& error) {
    return Trouble{&kOtherVersion, said_of(file, error)};
  } catch (const checkpoint::FileError& error) {
    return Trouble{&kTorn, said_of(file, error)};
  }
}

struct Findings {
  std::size_t sound = 0;
  std::vector<std::pair<fs::path, Trouble>> troubles;
  std::set<std::string> ids;        // of sound files
  std::vector<fs::path> leftovers;  // drafts of killed ranks

  void add(const fs::path& file) {
    if (auto trouble = trouble_of(file)) {
      troubles.emplace_back(file, std::move(*trouble));
    } else {
      ++sound;
      ids.insert(file.stem());
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

void print_troubles(const Findings& found, const Kind& kind) {
  std::size_t files = 0;
  for (const auto& [file, trouble] : found.troubles) {
    if (trouble.kind != &kind) continue;
    ++files;
    say("{}: {}: {}\n", kind.word, shown(file.string()), shown(trouble.why));
  }
  if (files > 0) say("{}\n", files == 1 ? kind.one : kind.several);
}

int check(const RunFolder& run) {
  if (const auto odd = odd_files(run); !odd.empty()) {
    for (const std::string& file : odd) say("{}; a plain file would be right there: move it away\n", shown(file));
    return 3;
  }
  const Findings found = examine(run);
  std::int64_t damaged = 0;
  for (const fs::path& folder : with_shards({run.root})) damaged += read_journal(RunFolder{folder}.journal()).damaged;
  const RunState state = read_run_state(run);
  say("{}: {} trial files are sound\n", shown(run.root.string()), found.sound);
  for (const Kind* kind : kKinds) print_troubles(found, *kind);
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
  return found.troubles.empty() && damaged == 0 ? 0 : 3;
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
