#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>

#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/run_folder.hpp"
#include "orchestrator/schedule/cost.hpp"
#include "orchestrator/schedule/plan.hpp"
#include "orchestrator/schedule/show_plan.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace po = boost::program_options;
using worker::UsageError;

constexpr std::int64_t kMostRanks = 1'000'000;

struct Options {
  std::string grid, out;
  std::int64_t ranks = 1;
  double gflops = 0;
  Overrides overrides;
  bool verbose = false;
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
  add("device", po::value(&o.overrides.device)->default_value("cpu"), "cpu or cuda; part of a trial's id");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("gflops", po::value(&o.gflops), "what a rank does on large products, for the prediction");
  add("verbose", po::bool_switch(&o.verbose), "list every trial");
  return line;
}

void check(const Options& o) {
  if (o.grid.empty()) throw UsageError("plan: --grid is missing; name the grid file");
  if (o.ranks < 1 || o.ranks > kMostRanks) {
    throw UsageError(fmt::format("plan: --ranks is {}; 1 to {} would be right", o.ranks, kMostRanks));
  }
  if (o.overrides.threads < 1) throw UsageError("plan: --threads must be 1 or more");
  const std::string& device = o.overrides.device;
  if (device != "cpu" && device != "cuda") throw UsageError("plan: --device is " + device + "; known: cpu and cuda");
}

/// What the finished trials of a run say a rank does: predictions at 1 GFLOP/s over what they took; the middle one.
double measured_gflops(const Grid& grid, const RunState& state) {
  std::vector<double> ratios;
  for (const worker::TrialSpec& spec : grid.trials) {
    const auto took = state.seconds.find(spec.id);
    if (took == state.seconds.end() || took->second <= 0) continue;
    const double predicted =
        predicted_seconds(spec, grid.tasks.at(spec.task.name), grid.backbones.at(spec.backbone.name), 1);
    ratios.push_back(predicted / took->second);
  }
  if (ratios.empty()) return 0;
  std::ranges::sort(ratios);
  return ratios[ratios.size() / 2];
}

}  // namespace

int plan_command(const Arguments& arguments) {
  Options options;
  const auto line = parse_line(line_for(options), arguments);
  if (!line) return 0;
  if (!line->paths.empty()) {
    throw UsageError("plan: " + line->paths[0].string() + " is no option; the grid is named with --grid");
  }
  check(options);
  const Grid grid = load_grid(options.grid, options.overrides);
  const RunFolder folder{options.out.empty() ? std::filesystem::path("runs") / grid.run
                                             : std::filesystem::path(options.out)};
  PlanView view{options.ranks, options.gflops, false, options.verbose};
  if (view.gflops <= 0) {
    view.gflops = measured_gflops(grid, read_run_state(folder));
    view.calibrated = view.gflops > 0;
    if (!view.calibrated) view.gflops = kUsualGflops;
  }
  const auto done = [&](const std::string& id) { return std::filesystem::exists(folder.trial(id)); };
  show_plan(std::cout, grid, make_plan(grid, options.ranks, view.gflops, done), view);
  return 0;
}

}  // namespace peftgrid::orchestrator
