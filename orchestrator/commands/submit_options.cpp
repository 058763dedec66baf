#include "orchestrator/commands/submit_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/sbatch_options.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "slurm/partition.hpp"
#include "slurm/script.hpp"
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

/// As they were typed, before they are settled with each other and with what Slurm says.
struct Typed {
  std::string array;
  std::vector<std::string> sbatch;
  std::map<std::string, std::string> passed_through;  // by option; empty: not given
};

CommandLine line_for(SubmitOptions& o, Typed& typed) {
  CommandLine line{"orchestrator submit --grid FILE --time LIMIT [--nodes N]",
                   "Writes a batch script for Slurm into the run folder and submits it.",
                   po::options_description("options")};
  auto add = line.options.add_options();
  add("grid", po::value(&o.grid), "the grid file");
  add("time", po::value(&o.time), "time limit, like 02:00:00 or 1-12:00:00; what is unfinished then goes on by itself");
  add("nodes", po::value(&o.nodes)->default_value(1), "how many nodes; with --array, of each shard");
  add("ranks-per-node", po::value(&o.ranks_per_node), "default: one for each GPU of --gres, else for each core");
  add("array", po::value(&typed.array),
      "N: N independent shards, then a job that merges and reports; N%K: K of them at once");
  add("out", po::value(&o.out), "run folder, default runs/<run>");
  add("set", po::value(&o.overrides.set), "key=value: override a key of the grid; may be repeated");
  add("only", po::value(&o.overrides.only), "method=..,task=..,backbone=..,size=..,seed=..: only these trials");
  add("device", po::value(&o.overrides.device)->default_value("cpu"), "cpu or cuda; part of a trial's id");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("launcher", po::value(&o.launcher)->default_value("mpirun"), "mpirun, or srun (with its pmix)");
  add("prologue", po::value(&o.prologue), "a shell line to run first, like \"module load openmpi\"; may be repeated");
  add("signal-before", po::value(&o.signal_before_s), "seconds before the limit to stop at; default 120, or a quarter");
  for (const auto& [option, meaning] : kPassedThrough) {
    add(option, po::value(&typed.passed_through[option]), (std::string("for sbatch: ") + meaning).c_str());
  }
  add("sbatch", po::value(&typed.sbatch),
      "any other option of sbatch's, like --sbatch=--exclude=node7; may be repeated");
  add("retry-failed", po::bool_switch(&o.retry_failed), "run failed trials again, whatever made them fail");
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

void check_one_line(const std::string& option, const std::string& value) {
  if (!slurm::has_control_character(value)) return;
  throw UsageError(fmt::format("submit: --{} {} has a line break or another control character; one line would be right",
                               option, worker::in_quotes(value)));
}

void check_lines(const SubmitOptions& o, const Typed& typed) {
  check_one_line("grid", o.grid);
  check_one_line("out", o.out);
  for (const std::string& text : o.overrides.set) check_one_line("set", text);
  for (const std::string& text : o.overrides.only) check_one_line("only", text);
  for (const std::string& text : o.prologue) check_one_line("prologue", text);
  for (const std::string& text : typed.sbatch) check_one_line("sbatch", text);
  for (const auto& [option, value] : typed.passed_through) check_one_line(option, value);
}

/// "8", or "8%2": two of the eight at once.
void settle_array(SubmitOptions& o, const std::string& text) {
  const std::size_t percent = text.find('%');
  const auto number = [&](std::string_view digits) {
    std::int64_t value = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && value >= 0) return value;
    throw UsageError(fmt::format(
        "submit: --array {} is no number of shards; N would be right, or N%K for K of them at once, like 8%2",
        worker::in_quotes(text)));
  };
  o.array = number(std::string_view(text).substr(0, percent));
  check_range("array", o.array, 2, kMostShards);
  if (percent == std::string::npos) return;
  o.array_at_once = number(std::string_view(text).substr(percent + 1));
  if (o.array_at_once < 1) {
    throw UsageError(fmt::format("submit: --array {} lets no shard run; %1 or more would be right", text));
  }
}

/// What each task's place in the queue would not tell: that it never gets there.
void check_array_size(const SubmitOptions& o) {
  if (o.array == 0) return;
  const auto most = slurm::most_array_tasks();
  if (!most || o.array <= *most) return;
  throw UsageError(
      fmt::format("submit: --array {} is more than an array may have here (MaxArraySize); --array {} would be right",
                  o.array, *most));
}

void settle_times(SubmitOptions& o, bool signal_given) {
  if (o.time.empty()) throw UsageError("submit: --time is missing; name the job's time limit, like --time 02:00:00");
  const auto seconds = slurm::parse_time_limit(o.time);
  if (!seconds) {
    throw UsageError(
        fmt::format("submit: --time {} is no time limit; hours:minutes:seconds, days-hours, minutes or UNLIMITED "
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

/// Slurm takes a job that asks for more, and lets it wait for ever. A quality of service may give more than its
/// partition.
void check_time_of(const SubmitOptions& o, const slurm::Partition& partition, bool with_qos) {
  if (o.time_s <= partition.most_s || with_qos) return;
  throw UsageError(fmt::format(
      "submit: --time {} is more than partition {} gives, and would wait for ever; --time {} would be right", o.time,
      partition.name, slurm::time_limit_text(static_cast<double>(partition.most_s / 60 * 60))));
}

std::int64_t gpus_of(const SubmitOptions& o) {
  std::int64_t gpus = 0;
  for (const auto& [option, value] : o.for_sbatch) {
    if (option == "gres") gpus += slurm::gpus_in(value);
    if (option == "gpus-per-node") gpus += slurm::gpus_in("gpu:" + value);
  }
  return gpus;
}

void settle_ranks(SubmitOptions& o, bool given, const std::optional<slurm::Partition>& partition) {
  o.gpus = gpus_of(o);
  if (!given) {
    o.ranks_per_node = o.gpus;
    if (o.ranks_per_node == 0) {
      if (!partition) {
        throw UsageError(
            "submit: --ranks-per-node is missing, and sinfo does not tell how many cores a node has; say how many "
            "ranks a node is to run");
      }
      o.ranks_per_node = std::max<std::int64_t>(1, partition->cores / o.overrides.threads);
    }
  }
  check_range("ranks-per-node", o.ranks_per_node, 1, kMostRanksPerNode);
  o.cores_per_rank = o.overrides.threads;
  if (o.gpus > 0 && partition && partition->gpus > 0) {
    const std::int64_t share = partition->cores * std::min(o.gpus, partition->gpus) / partition->gpus;
    o.cores_per_rank = std::max(o.cores_per_rank, share / o.ranks_per_node);
  }
}

/// boost takes a word with dashes for an option of its own.
Arguments with_sbatch_joined(Arguments arguments) {
  for (std::size_t at = 0; at + 1 < arguments.size(); ++at) {
    if (arguments[at] != "--sbatch") continue;
    arguments[at] += "=" + arguments[at + 1];
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return arguments;
}

}  // namespace

std::optional<SubmitOptions> parse_submit_options(const Arguments& arguments) {
  SubmitOptions o;
  Typed typed;
  const auto line = parse_line(line_for(o, typed), with_sbatch_joined(arguments));
  if (!line) return std::nullopt;
  settle_grid("submit", line->paths, o.grid);
  check_lines(o, typed);
  check_range("nodes", o.nodes, 1, kMostNodes);
  check_range("threads", o.overrides.threads, 1, kMostRanksPerNode);
  if (!typed.array.empty()) settle_array(o, typed.array);
  check_choice("launcher", o.launcher, {"mpirun", "srun"});
  check_device("submit", o.overrides.device);
  settle_times(o, line->values.count("signal-before") != 0);
  o.for_sbatch = parse_sbatch_options(typed.sbatch);
  for (const auto& [option, value] : typed.passed_through) {
    if (!value.empty()) o.for_sbatch.emplace_back(option, value);
  }
  const auto partition = slurm::find_partition(typed.passed_through.at("partition"));
  o.most_s = partition ? partition->most_s : slurm::kUnlimited_s;
  if (partition) check_time_of(o, *partition, !typed.passed_through.at("qos").empty());
  settle_ranks(o, line->values.count("ranks-per-node") != 0, partition);
  check_array_size(o);
  return o;
}

}  // namespace peftgrid::orchestrator
