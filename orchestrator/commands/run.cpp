#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>

#include "checkpoint/errors.hpp"
#include "collectives/checked_group.hpp"
#include "collectives/gang.hpp"
#include "collectives/mpi_group.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/coordinator.hpp"
#include "orchestrator/launch.hpp"
#include "orchestrator/launch_watch.hpp"
#include "orchestrator/launcher.hpp"
#include "orchestrator/nccl_check.hpp"
#include "orchestrator/peers.hpp"
#include "orchestrator/process.hpp"
#include "orchestrator/report/write_report.hpp"
#include "orchestrator/report/writers.hpp"
#include "orchestrator/run_session.hpp"
#include "orchestrator/version.hpp"
#include "slurm/signals.hpp"
#include "worker/worker.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace po = boost::program_options;
using collectives::Deadline;
using worker::UsageError;

/// Reading a grid hashes weights and data: minutes on a slow network file system, never hours.
constexpr double kPrepare_s = 3600;

po::options_description table(RunOptions& o, bool& help) {
  po::options_description all("mpirun -np N orchestrator --grid FILE: run a grid, or go on with it");
  auto add = all.add_options();
  add("grid", po::value(&o.grid), "the grid file");
  add("out", po::value(&o.out), "run folder, default runs/<run>");
  add("set", po::value(&o.overrides.set), "key=value: override a key of the grid; may be repeated");
  add("only", po::value(&o.overrides.only), "method=..,task=..,backbone=..,size=..,seed=..: only these trials");
  add("shard", po::value(&o.shard),
      "I/N: only the trials of shard I of N, from 1; each has a run folder of its own, default "
      "runs/<run>/shard-I-of-N");
  add("checkpoint-every", po::value(&o.checkpoint_every_s)->default_value(180),
      "seconds after which a trial in hand writes down where it stands");
  add("retry-failed", po::bool_switch(&o.retry_failed), "run failed trials again, whatever made them fail");
  add("device", po::value(&o.overrides.device)->default_value("cpu"), "cpu");
  add("threads", po::value(&o.overrides.threads)->default_value(1), "threads a rank; part of a trial's id");
  add("collectives", po::value(&o.collectives)->default_value("auto"),
      "auto, nccl or mpi: what adds gradients where ranks share a trial");
  add("progress", po::value(&o.progress)->default_value("auto"), "auto, live or plain");
  add("order", po::value(&o.order)->default_value("longest"),
      "longest (first), grid, or shuffled: the results are the same");
  add("quiet", po::bool_switch(&o.quiet), "print failures and the final table only");
  add("verbose", po::bool_switch(&o.verbose), "print warnings of the grid, too");
  add("help", po::bool_switch(&help), "this text");
  return all;
}

void one_of(const std::string& option, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw UsageError(fmt::format("run: --{} {} is none of {}", option, value, fmt::join(known, ", ")));
}

std::optional<RunOptions> parse(const Arguments& arguments) {
  RunOptions options;
  bool help = false;
  const po::options_description all = table(options, help);
  try {
    po::variables_map values;
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional({}).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw UsageError(fmt::format("run: {}; `orchestrator run --help` lists the options", error.what()));
  }
  if (help) {
    std::cout << all;
    return std::nullopt;
  }
  if (options.grid.empty()) throw UsageError("run: --grid is missing; name the grid file");
  if (options.overrides.threads < 1) throw UsageError("run: --threads must be 1 or more");
  if (options.overrides.device == "cuda") throw UsageError("run: no CUDA device is visible here; leave --device out");
  if (!(options.checkpoint_every_s > 0)) throw UsageError("run: --checkpoint-every must be above 0 seconds");
  one_of("device", options.overrides.device, {"cpu"});
  one_of("collectives", options.collectives, {"auto", "nccl", "mpi"});
  one_of("progress", options.progress, {"auto", "live", "plain"});
  one_of("order", options.order, {"longest", "grid", "shuffled"});
  return options;
}

int exit_code_of(const Coordinator& coordinator, std::int64_t failed_before) {
  const Coordinator::Tally tally = coordinator.tally();
  if (coordinator.stopped() || tally.not_run > 0) return 4;
  return tally.failed + failed_before > 0 ? 3 : 0;
}

/// The coordinator's side of rank 0 after the last trial: journal, report, table.
void close_run(RunSession& session, const Coordinator& coordinator, const RunOptions& options) {
  const Coordinator::Tally tally = coordinator.tally();
  session.journal().append(
      "end",
      nlohmann::json{
          {"done", tally.done}, {"diverged", tally.diverged}, {"failed", tally.failed}, {"not_run", tally.not_run}}
          .dump());
  if (coordinator.stopped()) {
    fmt::print("stopped: {} of {} trials are finished and kept; the same command goes on\n",
               session.already_there().size() + static_cast<std::size_t>(tally.done + tally.diverged),
               session.grid().trials.size());
    return;
  }
  ReportModel model = build_report({session.folder().root});
  fmt::print("\n{}", terminal_table(model));
  const auto index = write_model(std::move(model), session.folder().report());
  if (!options.quiet) fmt::print("\nreport: {}\n", index.string());
  std::fflush(stdout);
}

/// Ends every rank at once: after this nobody waits for a coordinator or worker that is no more. What is finished is
/// kept; trouble with files (a full disk, a vanished folder) or with ranks leaves the run to the same command.
[[noreturn]] void give_up(collectives::MpiSession& mpi, const std::exception& error) {
  const bool surroundings = dynamic_cast<const checkpoint::FileError*>(&error) != nullptr ||
                            dynamic_cast<const collectives::CommError*>(&error) != nullptr;
  fmt::print(stderr, "orchestrator: rank {} on {}: {}{}\n", mpi.rank(), host_name(),
             surroundings ? "" : "internal error: ", error.what());
  std::fflush(nullptr);
  mpi.abort(surroundings ? 4 : 1);
}

/// What every rank knows of the run before the first trial.
struct Company {
  std::string trials;            // the folder of trial files
  std::vector<ProcessId> ranks;  // on rank 0; elsewhere empty
  ProcessId coordinator;
};

/// Collective. Who is who.
Company introduce(collectives::Group& group, const std::string& trials) {
  Company company;
  company.trials = collectives::broadcast_text(group, trials, 0, Deadline("sending the run folder", 60));
  const std::string me = to_json(this_process());
  for (const std::string& text : group.gather(me, 0, Deadline("learning who is who", 60))) {
    company.ranks.push_back(process_from_json(text));
  }
  company.coordinator =
      process_from_json(collectives::broadcast_text(group, me, 0, Deadline("learning who coordinates", 60)));
  return company;
}

/// What the ranks of a run were given to talk with.
struct Lines {
  collectives::MpiSession::Line line;
  collectives::MpiSession::MakeGang gangs;
  collectives::Carrier carrier;
};

worker::WorkerHooks hooks_of(collectives::MpiSession& mpi, const Lines& lines, const ProcessId& coordinator,
                             std::function<bool()> stop) {
  worker::WorkerHooks hooks;
  hooks.make_gang = [&lines](const std::vector<int>& ranks, std::int64_t number, Deadline deadline) {
    return collectives::make_gang_group(lines.gangs(ranks, number), lines.carrier, std::move(deadline));
  };
  hooks.stop = std::move(stop);
  hooks.leave = [&mpi] {
    leave_no_launcher_behind();
    mpi.leave(0);
  };
  // A process that was never to be seen, as in another container of that host, is not gone.
  hooks.coordinator_died = [coordinator, seen = !is_gone(coordinator)] { return seen && is_gone(coordinator); };
  // Under mpirun --enable-recovery a rank 0 that only sleeps would keep the job for ever.
  hooks.abandoned = [&mpi, coordinator] {
    const std::string silent = fmt::format("was silent for {:.0f} s", worker::kCoordinatorSilence_s);
    const std::string why =
        is_gone(coordinator) ? "died" : silent + (kill_process(coordinator) ? " and was killed" : "");
    fmt::print(stderr, "orchestrator: rank {} on {}: rank 0 {}; the same command goes on\n", mpi.rank(), host_name(),
               why);
    std::fflush(nullptr);
    leave_no_launcher_behind();
    mpi.leave(4);
  };
  return hooks;
}

/// The end of a run that lost ranks: MPI_Finalize would wait for them. The others were told to leave; rank 0 goes last.
[[noreturn]] void leave_without(collectives::MpiSession& mpi, Peers& peers, int code) {
  constexpr double kPatience_s = 2;
  std::size_t gone = 1;
  for (double waited_s = 0; waited_s < kPatience_s && gone < static_cast<std::size_t>(peers.size()); waited_s += 0.02) {
    gone += peers.newly_dead().size();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  clean_mpi_environment();
  std::fflush(nullptr);
  leave_no_launcher_behind();
  mpi.leave(code);
}

/// Rank 0 coordinates in one thread and works in another; both end when the grid does.
int run_rank_0(RunSession& session, const RunOptions& options, collectives::MpiSession& mpi, const Lines& lines,
               const worker::WorkerInfo& info, const Company& company) {
  const auto display = make_display(session.display_kind(options), session.grid(), session.already_there(), info.ranks);
  const auto stop = [&] { return slurm::stop_signal() != 0 || session.owner().lost(); };
  Peers peers(company.ranks);
  const auto is_published = [&](const std::string& id) { return std::filesystem::exists(session.folder().trial(id)); };
  Coordinator coordinator(*lines.line.coordinator, peers, session.jobs(), session.journal(), *display,
                          {stop, is_published});
  std::thread thread([&] {
    try {
      coordinator.run();
    } catch (const std::exception& error) {
      give_up(mpi, error);
    }
  });
  worker::work(*lines.line.worker, info, hooks_of(mpi, lines, company.coordinator, stop));
  if (coordinator.stopped()) thread.join();
  close_run(session, coordinator, options);
  coordinator.dismiss();
  if (thread.joinable()) thread.join();
  const int code = exit_code_of(coordinator, session.failed_before());
  if (coordinator.tally().lost_ranks > 0) {
    session.release();
    leave_without(mpi, peers, code);
  }
  return code;
}

int run(const RunOptions& options, collectives::MpiSession& mpi, LaunchWatch& watch) {
  const bool over_nccl = wants_nccl(options.collectives, options.overrides.device);
  if (over_nccl) {
    if (const auto trouble = trouble_with_nccl(mpi)) {
      if (mpi.rank() == 0) fmt::print(stderr, "orchestrator: {}; use --collectives mpi\n", *trouble);
      return 2;
    }
  }
  const auto group = collectives::checked(mpi.group());
  std::optional<RunSession> session;
  std::optional<std::string> trouble;
  try {
    if (mpi.rank() == 0) session.emplace(options, mpi.size());
  } catch (const UsageError& error) {
    trouble = error.what();
  } catch (const checkpoint::FileError& error) {
    trouble = error.what();
  }
  if (!group->agree(trouble, Deadline("reading the grid", kPrepare_s)).ok) {
    if (trouble) fmt::print(stderr, "orchestrator: {}\n", *trouble);
    return 2;
  }
  const Company company = introduce(*group, session ? session->folder().trials().string() : "");
  worker::WorkerInfo info;
  info.trials = company.trials;
  info.checkpoints = info.trials.parent_path() / "checkpoints";
  info.checkpoint_every_s = options.checkpoint_every_s;
  info.host = host_name();
  info.commit = commit();
  info.mpi = collectives::MpiSession::library_version();
  info.rank = mpi.rank();
  info.ranks = mpi.size();
  info.cores = usable_cores();
  const Lines lines{mpi.line(), mpi.gangs(), over_nccl ? collectives::Carrier::Nccl : collectives::Carrier::Mpi};
  watch.over();
  if (session) return run_rank_0(*session, options, mpi, lines, info, company);
  const auto stop = [] { return slurm::stop_signal() != 0; };
  worker::work(*lines.line.worker, info, hooks_of(mpi, lines, company.coordinator, stop));
  return 0;
}

}  // namespace

int run_command(const Arguments& arguments) {
  const auto options = parse(arguments);
  if (!options) return 0;
  bind_gpu();
  prepare_mpi_environment();
  worker::prepare_process(static_cast<int>(options->overrides.threads));
  slurm::watch_stop_signals();
  LaunchWatch watch;
  int code = 0;
  {
    collectives::MpiSession mpi;
    try {
      code = run(*options, mpi, watch);
    } catch (const std::exception& error) {
      give_up(mpi, error);
    }
    if (slurm::stop_signal() != 0) {
      // A launcher that is stopping its ranks no longer answers MPI_Finalize; a second would pass until it kills them.
      clean_mpi_environment();
      std::fflush(nullptr);
      mpi.leave(code == 4 || mpi.rank() > 0 ? 128 + slurm::stop_signal() : code);
    }
    watch.ending(code);
  }
  clean_mpi_environment();
  return code;
}

}  // namespace peftgrid::orchestrator
