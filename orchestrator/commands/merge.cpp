#include "checkpoint/merge.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace po = boost::program_options;
using worker::shown;

namespace {

/// What a merged file does not carry is said where a grid has stated it.
void say_what_is_left_behind(const std::vector<std::filesystem::path>& runs) {
  for (const std::filesystem::path& run : runs) {
    const RunState state = read_run_state(RunFolder{run});
    if (state.compare.empty() && state.margin == kDefaultMargin && state.task_margins.empty()) continue;
    complain(
        "note: {}: the grid's `compare` and `margin` stay in the run folder; reports of the merged file need "
        "--baseline and --margin\n",
        shown(run.string()));
  }
}

}  // namespace

int merge_command(const Arguments& arguments) {
  const std::string usage = "orchestrator merge A [B...] --out FILE [--overwrite]";
  CommandLine line{
      usage.c_str(), "Copies all trials of run folders, trial files and merged files into one new file.", {}};
  line.options.add_options()("out", po::value<std::string>(), "the file to write")(
      "overwrite", po::bool_switch(), "replace an earlier merged file; nothing else is ever replaced");
  const auto parsed = parse_line(std::move(line), arguments);
  if (!parsed) return 0;
  if (parsed->paths.empty()) throw worker::UsageError("nothing to merge; right is: " + usage);
  if (parsed->values.count("out") == 0) throw worker::UsageError("no --out FILE to write to; right is: " + usage);

  const std::string out = parsed->values["out"].as<std::string>();
  using checkpoint::Earlier;
  const Earlier earlier = parsed->values["overwrite"].as<bool>() ? Earlier::Replace : Earlier::Keep;
  const checkpoint::Collection merged = checkpoint::merge(with_shards(parsed->paths), out, earlier);
  say("{}: {} trials\n", shown(out), merged.trials.size());
  say_what_is_left_behind(parsed->paths);
  for (const auto& conflict : merged.conflicts) {
    complain("conflict: trial {} has unlike numbers in {} and {}; neither is taken\n", shown(conflict.id),
             shown(conflict.first.string()), shown(conflict.second.string()));
  }
  for (const auto& unreadable : merged.unreadable) {
    complain("left out: {}: {}\n", shown(unreadable.file.string()), shown(unreadable.reason));
  }
  return merged.conflicts.empty() && merged.unreadable.empty() ? 0 : 3;
}

}  // namespace peftgrid::orchestrator
