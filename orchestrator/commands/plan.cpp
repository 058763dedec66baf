#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>

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
  bool verbose = false, help = false;
};

po::options_description table(Options& o) {
  po::options_description all(
      "orchestrator plan: what would run, in which order, how long, with how much disk and memory");
  all.add_options()("grid", po::value(&o.grid), "the grid file")("ranks", po::value(&o.ranks)->default_value(1),
                                                                 "how many ranks would run it")(
      "set", po::value(&o.overrides.set), "key=value: override a key of the grid; may be repeated")(
      "only", po::value(&o.overrides.only), "method=..,task=..,backbone=..,size=..,seed=..: only these trials")(
      "out", po::value(&o.out), "run folder, default runs/<run>: trials that are there need not run")(
      "device", po::value(&o.overrides.device)->default_value("cpu"), "cpu or cuda; part of a trial's id")(
      "threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id")(
      "gflops", po::value(&o.gflops), "what a rank does on large products, for the prediction")(
      "verbose", po::bool_switch(&o.verbose), "list every trial")("help", po::bool_switch(&o.help), "this text");
  return all;
}

Options parse(const Arguments& arguments) {
  Options options;
  const po::options_description all = table(options);
  try {
    po::variables_map values;
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional({}).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw UsageError(std::string("plan: ") + error.what() + "; `orchestrator plan --help` lists the options");
  }
  if (options.help) {
    std::cout << all;
    return options;
  }
  if (options.grid.empty()) throw UsageError("plan: --grid is missing; name the grid file");
  if (options.ranks < 1 || options.ranks > kMostRanks) throw UsageError("plan: --ranks must be 1 or more");
  if (options.overrides.threads < 1) throw UsageError("plan: --threads must be 1 or more");
  if (options.overrides.device != "cpu" && options.overrides.device != "cuda")
    throw UsageError("plan: --device is cpu or cuda");
  return options;
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
  const Options options = parse(arguments);
  if (options.help) return 0;
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
