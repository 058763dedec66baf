#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <set>
#include <sstream>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/report/more_seeds.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/shards.hpp"
#include "orchestrator/schedule/show_plan.hpp"
#include "orchestrator/schedule/speed.hpp"
#include "orchestrator/schedule/widths.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace po = boost::program_options;
using worker::UsageError;

constexpr std::int64_t kMostRanks = 1'000'000;

struct Options {
  std::string grid, out, shard;
  std::int64_t ranks = 1;
  double gflops = 0;
  Overrides overrides;
  bool verbose = false, more = false;
};

CommandLine line_for(Options& o) {
  CommandLine line{"orchestrator plan --grid FILE [--ranks N]",
                   "What a grid would run, in which order, how long, with how much disk and memory.",
                   po::options_description("options")};
  auto add = line.options.add_options();
  add("grid", po::value(&o.grid), "the grid file");
  add("ranks", po::value(&o.ranks)->default_value(1), "how many ranks would run it");
  add("set", po::value(&o.overrides.set), "KEY=VALUE: override a key of the grid; may be repeated");
  add("only", po::value(&o.overrides.only), "method=,task=,backbone=,size=,seed=: only these trials");
  add("out", po::value(&o.out), "run folder, default runs/<run>: what is there need not run");
  add("shard", po::value(&o.shard), "I/N: only what shard I of N would run, from 1");
  add("device", po::value(&o.overrides.device)->default_value("cpu"), "cpu or cuda; part of a trial's id");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("gflops", po::value(&o.gflops), "what a rank does on large fp32 products, for the prediction");
  add("verbose", po::bool_switch(&o.verbose), "list every trial");
  add("more", po::bool_switch(&o.more),
      "instead: which cells of the run another seed would tell most about, and its cost");
  return line;
}

void check(const Options& o) {
  if (o.ranks < 1 || o.ranks > kMostRanks) {
    throw UsageError(fmt::format("plan: --ranks is {}; 1 to {} would be right", o.ranks, kMostRanks));
  }
  if (o.gflops < 0) throw UsageError(fmt::format("plan: --gflops is {}; a number above 0 would be right", o.gflops));
  check_threads("plan", o.overrides.threads);
  check_device("plan", o.overrides.device);
}

Speed speed_for(const Grid& grid, const RunState& before, const Options& options, Measure measure) {
  if (options.gflops > 0) return {{.gflops = options.gflops}, false, {}};
  const std::string& device = options.overrides.device;
  const auto measured = measure == nullptr ? std::nullopt : measure(in_bf16(grid), options.overrides.threads, device);
  return speed_of(grid, before, measured.value_or(device == "cuda" ? kUsualCudaSpeed : worker::ProductSpeed{}));
}

}  // namespace

int plan_command(const Arguments& arguments, Measure measure) {
  Options options;
  const auto line = parse_line(line_for(options), arguments);
  if (!line) return 0;
  settle_grid("plan", line->paths, options.grid);
  check(options);
  const Shard shard = parse_shard(options.shard, "plan");
  Grid grid = load_grid(options.grid, options.overrides, worker::WithoutWeights::Planned);
  const RunFolder folder{run_folder_path(options.out, grid.run, shard)};
  const RunState before = read_run_state(folder);
  choose_widths(grid, options.ranks, shard.count, before.widths);
  keep_shard(grid, shard, "plan");
  const Speed speed = speed_for(grid, before, options, measure);
  const std::set<std::string> finished = finished_trials(folder);
  const auto done = [&](const std::string& id) { return finished.contains(id); };
  if (options.more) {
    const ReportModel model = build_report({folder.root});
    say("{}", more_seeds_text(more_seeds(model, grid, make_plan(grid, options.ranks, speed, done))));
    return 0;
  }
  std::ostringstream text;
  show_plan(text, grid, make_plan(grid, options.ranks, speed, done), {options.ranks, speed, options.verbose});
  say("{}", text.str());
  return 0;
}

}  // namespace peftgrid::orchestrator
