#include "orchestrator/commands/submit_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "slurm/commands.hpp"
#include "slurm/time_limit.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace po = boost::program_options;
using worker::UsageError;

constexpr std::int64_t kMostNodes = 100'000, kMostRanksPerNode = 4096, kUsualSignalBefore_s = 120;

constexpr std::array kPassedThrough{std::pair{"account", "whose hours it takes"},
                                    std::pair{"partition", "where it runs"},
                                    std::pair{"qos", "quality of service"},
                                    std::pair{"gres", "of each node, like gpu:4"},
                                    std::pair{"constraint", "what nodes must have"},
                                    std::pair{"mem", "memory of each node, like 64G"},
                                    std::pair{"mail-type", "when to write: END,FAIL"},
                                    std::pair{"mail-user", "whom"}};

CommandLine line_for(SubmitOptions& o) {
  CommandLine line{"orchestrator submit --grid FILE --time LIMIT [--nodes N]",
                   "Writes a batch script for Slurm into the run folder and submits it.",
                   po::options_description("options")};
  auto add = line.options.add_options();
  add("grid", po::value(&o.grid), "the grid file");
  add("time", po::value(&o.time), "time limit, like 02:00:00 or 1-12:00:00; what is unfinished then goes on by itself");
  add("nodes", po::value(&o.nodes)->default_value(1), "how many nodes; with --array, of each shard");
  add("ranks-per-node", po::value(&o.ranks_per_node), "default: one for each GPU of --gres, else for each core");
  add("array", po::value(&o.array), "N: N independent shards, then a job that merges and reports");
  add("out", po::value(&o.out), "run folder, default runs/<run>");
  add("set", po::value(&o.overrides.set), "key=value: override a key of the grid; may be repeated");
  add("only", po::value(&o.overrides.only), "method=..,task=..,backbone=..,size=..,seed=..: only these trials");
  add("device", po::value(&o.overrides.device)->default_value("cpu"), "cpu or cuda; part of a trial's id");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("launcher", po::value(&o.launcher)->default_value("mpirun"), "mpirun, or srun (with its pmix)");
  add("prologue", po::value(&o.prologue), "a shell line to run first, like \"module load openmpi\"; may be repeated");
  add("signal-before", po::value(&o.signal_before_s), "seconds before the limit to stop at; default 120, or a quarter");
  for (const auto& [option, meaning] : kPassedThrough) {
    add(option, po::value(&o.passed_through[option]), (std::string("for sbatch: ") + meaning).c_str());
  }
  add("dry-run", po::bool_switch(&o.dry_run), "print the script, write and submit nothing");
  return line;
}

void check_range(const char* option, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return;
  throw UsageError(fmt::format("submit: --{} is {}; {} to {} would be right", option, value, least, most));
}

void check_choice(const char* option, const std::string& value, const std::vector<std::string>& known) {
  if (std::ranges::find(known, value) != known.end()) return;
  throw UsageError(
      fmt::format("submit: --{} is {}; {} would be right", option, worker::in_quotes(value), fmt::join(known, " or ")));
}

/// A line break would end a line of the script and begin another.
void check_one_line(const std::string& option, const std::string& value) {
  if (std::ranges::none_of(value, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 127; })) return;
  throw UsageError(fmt::format("submit: --{} {} has a line break or another control character; one line would be right",
                               option, worker::in_quotes(value)));
}

void check_lines(const SubmitOptions& o) {
  check_one_line("grid", o.grid);
  check_one_line("out", o.out);
  for (const std::string& text : o.overrides.set) check_one_line("set", text);
  for (const std::string& text : o.overrides.only) check_one_line("only", text);
  for (const std::string& text : o.prologue) check_one_line("prologue", text);
  for (const auto& [option, value] : o.passed_through) check_one_line(option, value);
}

void settle_times(SubmitOptions& o, bool signal_given) {
  if (o.time.empty()) throw UsageError("submit: --time is missing; name the job's time limit, like --time 02:00:00");
  const auto seconds = slurm::parse_time_limit(o.time);
  if (!seconds) {
    throw UsageError(
        fmt::format("submit: --time {} is no time limit; hours:minutes:seconds, days-hours or minutes "
                    "would be right, like 02:00:00",
                    worker::in_quotes(o.time)));
  }
  o.time_s = *seconds;
  if (!signal_given) o.signal_before_s = std::min(kUsualSignalBefore_s, o.time_s / 4);
  if (o.signal_before_s < 1 || o.signal_before_s >= o.time_s) {
    throw UsageError(fmt::format("submit: --signal-before is {} with a time limit of {} s; 1 to {} would be right",
                                 o.signal_before_s, o.time_s, o.time_s - 1));
  }
}

/// GPUs of a node that "gpu:a100:4,nvme" asks for; 0 for none.
std::int64_t gpus_in(const std::string& gres) {
  std::int64_t gpus = 0;
  for (std::size_t begin = 0; begin < gres.size();) {
    const std::size_t end = std::min(gres.find(',', begin), gres.size());
    const std::string_view one = std::string_view(gres).substr(begin, end - begin);
    if (one == "gpu" || one.starts_with("gpu:")) {
      const std::string_view last = one.substr(one.rfind(':') + 1);
      std::int64_t count = 0;
      const auto parsed = std::from_chars(last.data(), last.data() + last.size(), count);
      gpus += parsed.ec == std::errc() && parsed.ptr == last.data() + last.size() ? count : 1;
    }
    begin = end + 1;
  }
  return gpus;
}

void settle_ranks(SubmitOptions& o, bool given) {
  if (!given) {
    o.ranks_per_node = gpus_in(o.passed_through.at("gres"));
    if (o.ranks_per_node == 0) {
      const auto cores = slurm::cores_of_a_node(o.passed_through.at("partition"));
      if (!cores) {
        throw UsageError(
            "submit: --ranks-per-node is missing, and sinfo does not tell how many cores a node has; say how many "
            "ranks a node is to run");
      }
      o.ranks_per_node = std::max<std::int64_t>(1, *cores / o.overrides.threads);
    }
  }
  check_range("ranks-per-node", o.ranks_per_node, 1, kMostRanksPerNode);
}

}  // namespace

std::optional<SubmitOptions> parse_submit_options(const Arguments& arguments) {
  SubmitOptions o;
  const auto line = parse_line(line_for(o), arguments);
  if (!line) return std::nullopt;
  if (!line->paths.empty()) {
    throw UsageError("submit: " + line->paths[0].string() + " is no option; the grid is named with --grid");
  }
  if (o.grid.empty()) throw UsageError("submit: --grid is missing; name the grid file");
  check_lines(o);
  check_range("nodes", o.nodes, 1, kMostNodes);
  check_range("threads", o.overrides.threads, 1, kMostRanksPerNode);
  if (line->values.count("array") != 0) check_range("array", o.array, 2, kMostShards);
  check_choice("launcher", o.launcher, {"mpirun", "srun"});
  check_device("submit", o.overrides.device);
  settle_times(o, line->values.count("signal-before") != 0);
  settle_ranks(o, line->values.count("ranks-per-node") != 0);
  return o;
}

}  // namespace peftgrid::orchestrator
